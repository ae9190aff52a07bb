"""The curated catalogue: some 400 well-known anime with true facts and synopses written for this project."""

import csv
from dataclasses import dataclass
from importlib import resources
from typing import Final

UNKNOWN: Final = "Unknown"


@dataclass(frozen=True, slots=True)
class Title:
    """One anime as the dump describes it."""

    # Made-up titles have ids above any that MyAnimeList gave out.
    anime_id: int
    # By the dump's column, from Name and Genres to Duration and Rating; "Unknown" where missing.
    facts: dict[str, str]
    # Shared by sequels and films of one story; empty for a story that stands alone.
    franchise: str
    # None where the dump has no row for it.
    synopsis: str | None

    @property
    def episodes(self) -> int:
        """Number of episodes, 0 where unknown."""
        text = self.facts["Episodes"]
        return 0 if text == UNKNOWN else int(text)

    @property
    def is_adult(self) -> bool:
        """Whether the title is for adults only."""
        return "Hentai" in self.facts["Genres"].split(", ")


def read_rows(name: str) -> list[dict[str, str]]:
    """Read a CSV file of the package."""
    text = (resources.files("training.demo") / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def read_curated() -> list[Title]:
    """Read the curated titles, in ascending order of id."""
    titles = [
        Title(int(row.pop("MAL_ID")), franchise=row.pop("Franchise"), synopsis=row.pop("Synopsis"), facts=row)
        for row in read_rows("catalogue.csv")
    ]
    return sorted(titles, key=lambda title: title.anime_id)
