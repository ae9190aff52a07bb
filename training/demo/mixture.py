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
    smallest_variance : float, default 0.05
        Keeps a kind from shrinking to one point.
    seed : int, default 0
        Of the starting centres.
    """
    members = np.eye(n_kinds)[_nearest_centres(points, n_kinds, np.random.default_rng(seed))]
    for _ in range(steps):
        sizes = members.sum(axis=0) + 1e-6
        centres = members.T @ points / sizes[:, None]
        variances = np.maximum(members.T @ points**2 / sizes[:, None] - centres**2, smallest_variance)
        scores = np.log(sizes) - 0.5 * (np.log(variances).sum(axis=1) + _distances(points, centres, variances))
        members = np.exp(scores - scores.max(axis=1, keepdims=True))
        members /= members.sum(axis=1, keepdims=True)
    return Mixture(shares=sizes / sizes.sum(), centres=centres, deviations=np.sqrt(variances))


def _nearest_centres(points: NDArray[np.float64], n_kinds: int, rng: np.random.Generator) -> NDArray[np.intp]:
    centres = points[rng.choice(len(points), n_kinds, replace=False)]
    for _ in range(10):
        nearest: NDArray[np.intp] = _distances(points, centres, np.ones_like(centres)).argmin(axis=1)
        for kind in range(n_kinds):
            if (nearest == kind).any():
                centres[kind] = points[nearest == kind].mean(axis=0)
    return nearest


def _distances(
    points: NDArray[np.float64], centres: NDArray[np.float64], variances: NDArray[np.float64]
) -> NDArray[np.float64]:
    # Shape: (n_points, n_kinds)
    kinds = zip(centres, variances, strict=True)
    return np.stack([((points - centre) ** 2 / variance).sum(axis=1) for centre, variance in kinds], axis=1)
