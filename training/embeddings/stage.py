"""The train stage: from a prepared dump to trained networks, each in a folder of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.embeddings.content import Content, read_content
from training.embeddings.new_anime import embed_new_anime
from training.embeddings.teacher import Teacher, fit_teacher
from training.embeddings.trained import TrainedNetwork, save_trained
from training.errors import InputError
from training.item_weights.co_counts import co_counts
from training.lists.interactions import Interactions
from training.lists.prepared import Prepared
from training.lists.split import Split
from training.settings import NetworkName, RunSettings


@dataclass(frozen=True)
class AutoencoderInput:
    """What the autoencoder learns from."""

    lists: Interactions  # of users who train
    teacher: Teacher | None = None  # learned from these lists; made from them by default
    content: Content | None = None


def networks_to_train(settings: RunSettings, n_rows: int) -> list[NetworkName]:
    """Return the networks that a run trains, the published one first; `n_rows` is of the prepared dump."""
    every: Sequence[NetworkName] = ("autoencoder", "rating")
    others = [name for name in every if name != settings.network]
    return [settings.network, *others] if settings.compares(n_rows) else [settings.network]


def train_network(
    name: NetworkName,
    split: Split,
    settings: RunSettings,
    log_folder: Path | None,
    given: AutoencoderInput | None = None,
) -> TrainedNetwork:
    """Train one network on what the split allows.

    The rating network needs a row per user, so it also sees the input part of the test users' lists. ``given`` are
    the lists of all who train by default.

    Raises
    ------
    InputError
        If the training diverged.
    """
    # TensorFlow takes seconds to import, so only the stage that needs it pays.
    if name == "autoencoder":
        from training.embeddings.autoencoder import fit_autoencoder  # noqa: PLC0415

        given = given or AutoencoderInput(split.train)
        teacher = given.teacher or fit_teacher(co_counts(given.lists), settings.items)
        trained = fit_autoencoder(given.lists, teacher, settings.autoencoder, log_folder, given.content)
    else:
        from training.embeddings.rating import fit_rating  # noqa: PLC0415

        trained = fit_rating(split.train_and_inputs, settings.rating, log_folder)
    if not np.isfinite(trained.anime_embeddings).all():
        raise InputError(f"the {name} network diverged (its embeddings are no numbers); lower its learning rate")
    return replace(trained, settings=settings.model_dump())


def train_networks(
    work: Path,
    names: Sequence[NetworkName],
    prepared: Prepared,
    split: Split,
    settings: RunSettings,
    log_folder: Path | None,
    given: AutoencoderInput | None = None,
) -> list[TrainedNetwork]:
    """Train networks, as :func:`train_network`, and save each in ``<work>/trained/<network>``.

    Each embeds new anime too, from what is known of their content.
    """
    trained = []
    for name in names:
        logs = log_folder / name if log_folder else None
        network = train_network(name, split, settings, logs, given)
        content = given.content if given else None
        new = _embed_new_anime(content, prepared, split, network) if len(prepared.new_anime["anime_ids"]) else None
        trained.append(replace(network, new_anime_embeddings=new, prepared_digest=prepared.digest))
        save_trained(work / "trained" / name, trained[-1])
    return trained


def _embed_new_anime(
    content: Content | None, prepared: Prepared, split: Split, network: TrainedNetwork
) -> NDArray[np.float32]:
    content = content or read_content(prepared.catalogue)
    popularity = split.train.popularity()
    return embed_new_anime(content, prepared.catalogue, prepared.new_anime, popularity, network.anime_embeddings)
