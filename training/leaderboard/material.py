"""What a method of the benchmark may learn from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from training.lists.prepared import Prepared, load_prepared
from training.lists.split import Split, split_interactions
from training.settings import RunSettings
from training.similar_anime.truth import SimilarQuery, read_queries


@dataclass(frozen=True)
class Material:
    """The prepared dump, split, and the queries."""

    prepared: Prepared  # a method learns from `split.train` only
    split: Split
    queries: list[SimilarQuery]  # a method learns from those that `may_choose` only
    settings: RunSettings
    work: Path  # for models that methods share

    @property
    def measuring_queries(self) -> Sequence[SimilarQuery]:
        """Queries for similar anime that measure."""
        return [query for query in self.queries if not query.may_choose]


def load_material(work: Path, settings: RunSettings) -> Material:
    """Read what the prepare stage left and split it."""
    prepared = load_prepared(work / "prepared")
    split = split_interactions(prepared.interactions, settings.split_seed)
    return Material(prepared, split, read_queries(prepared), settings, work)
