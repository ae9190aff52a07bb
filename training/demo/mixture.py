"""A mixture of Gaussians with diagonal covariance: what kinds of viewers there are, and how to draw one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Mixture:
    """Kinds of points in a space of ``n_dimensions``.

    Attributes
    ----------
    shares : ndarray of shape (n_kinds,), dtype=float64
        Sum to 1.
    centres : ndarray of shape (n_kinds, n_dimensions), dtype=float64
    deviations : ndarray of shape (n_kinds, n_dimensions), dtype=float64
        Standard deviations around the centre.
    """

    shares: NDArray[np.float64]
    centres: NDArray[np.float64]
    deviations: NDArray[np.float64]

    def draw(self, n_points: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw points.

        Returns
        -------
        ndarray of shape (n_points, n_dimensions), dtype=float64
        """
        kinds = rng.choice(len(self.shares), size=n_points, p=self.shares)
        noise = rng.standard_normal((n_points, self.centres.shape[1]))
        points: NDArray[np.float64] = self.centres[kinds] + self.deviations[kinds] * noise
        return points


def fit_mixture(
    points: NDArray[np.float64], n_kinds: int, *, steps: int = 40, smallest_variance: float = 0.05, seed: int = 0
) -> Mixture:
    """Fit a mixture by expectation maximisation, started from k-means.

    Parameters
    ----------
    points : ndarray of shape (n_points, n_dimensions), dtype=float64
    n_kinds : int
        At most ``n_points``.
    steps : int, default 40
        At most.
    smallest_variance : float, default 0.05
        Added to every variance: keeps a kind from shrinking to one point.
    seed : int, default 0
        Of the starting centres.
    """
    from sklearn.mixture import GaussianMixture  # noqa: PLC0415 - takes a second to import

    fitted = GaussianMixture(
        n_kinds, covariance_type="diag", reg_covar=smallest_variance, max_iter=steps, random_state=seed
    ).fit(points)
    return Mixture(fitted.weights_, fitted.means_, np.sqrt(fitted.covariances_))
