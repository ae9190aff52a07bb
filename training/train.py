"""The train stage: a prepared dump -> trained networks, each in a folder of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.co_counts import co_counts
from training.errors import InputError
from training.folders import replaced_folder
from training.networks.content import read_content
from training.networks.teacher import Teacher, fit_teacher
from training.networks.trained import TrainedNetwork, save_trained
from training.settings import NetworkName, RunSettings
from training.split import Split


def networks_to_train(settings: RunSettings, n_rows: int) -> list[NetworkName]:
    """Say which networks a run trains: the published one first.

    Parameters
    ----------
    settings : RunSettings
    n_rows : int
        Of the prepared dump.

    Returns
    -------
    list of str
    """
    every: Sequence[NetworkName] = ("autoencoder", "rating")
    others = [name for name in every if name != settings.network]
    return [settings.network, *others] if settings.compares(n_rows) else [settings.network]


def train_network(
    name: NetworkName,
    split: Split,
    settings: RunSettings,
    log_folder: Path | None,
    catalogue: Mapping[str, NDArray[Any]] | None = None,
    teacher: Teacher | None = None,
) -> TrainedNetwork:
    """Train one network on what the split lets it see.

    Parameters
    ----------
    name : str
    split : Split
        The autoencoder learns from the training users; the rating network needs a row per user, so it also
        sees the input part of the test users' lists.
    settings : RunSettings
    log_folder : Path or None
        For TensorBoard.
    catalogue : mapping of str to ndarray, optional
        The catalogue's arrays, of which the autoencoder learns too.
    teacher : Teacher, optional
        The autoencoder's, where it is known already.

    Returns
    -------
    TrainedNetwork

    Raises
    ------
    InputError
        If the training diverged.
    """
    # TensorFlow takes seconds to import, so only the stage that needs it pays.
    if name == "autoencoder":
        from training.networks.autoencoder import fit_autoencoder  # noqa: PLC0415

        content = read_content(catalogue) if catalogue else None
        teacher = teacher or fit_teacher(co_counts(split.train), settings.items)
        trained = fit_autoencoder(split.train, teacher, settings.autoencoder, log_folder, content)
    else:
        from training.networks.rating import fit_rating  # noqa: PLC0415

        trained = fit_rating(split.train_and_inputs, settings.rating, log_folder)
    if not np.isfinite(trained.anime_embeddings).all():
        raise InputError(f"the {name} network diverged (its embeddings are no numbers); lower its learning rate")
    rows_digest = split.whole.rows_digest()
    return replace(trained, settings=settings.model_dump(), rows_digest=rows_digest)


def train_networks(
    work: Path,
    names: Sequence[NetworkName],
    split: Split,
    settings: RunSettings,
    log_folder: Path | None,
    catalogue: Mapping[str, NDArray[Any]] | None = None,
    teacher: Teacher | None = None,
) -> list[TrainedNetwork]:
    """Train the networks of a run and keep each in ``<work>/trained/<network>``.

    Parameters
    ----------
    work : Path
    names : sequence of str
        From :func:`networks_to_train`.
    split : Split
    settings : RunSettings
    log_folder : Path or None
        For TensorBoard.
    catalogue : mapping of str to ndarray, optional
    teacher : Teacher, optional
        See :func:`train_network`.

    Returns
    -------
    list of TrainedNetwork
        The one to publish first.
    """
    trained = []
    for name in names:
        logs = log_folder / name if log_folder else None
        trained.append(train_network(name, split, settings, logs, catalogue, teacher))
        with replaced_folder(work / "trained" / name) as folder:
            save_trained(folder, trained[-1])
    return trained
