"""The curated catalogue: some 400 well-known anime with true facts and synopses written for this project."""

import csv
from dataclasses import dataclass
from importlib import resources
from typing import Final

UNKNOWN: Final = "Unknown"


@dataclass(frozen=True, slots=True)
class Title:
    """One anime as the dump describes it; every field but the id is text in the dump's own conventions.

    Attributes
    ----------
    anime_id : int
        The MyAnimeList id; made-up titles have ids above any real one.
    facts : dict of str to str
        By the dump's column: Name, Genres, English name, Japanese name, Type, Episodes, Aired, Premiered,
        Studios, Source, Duration, Rating. Missing ones are "Unknown".
    franchise : str
        Shared by sequels and films of one story; empty for a story that stands alone.
    synopsis : str or None
        None where the dump has no row for it.
    """

    anime_id: int
    facts: dict[str, str]
    franchise: str
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


def read_curated() -> list[Title]:
    """Read the curated titles from the package.

    Returns
    -------
    list of Title
        In ascending order of id.
    """
    text = (resources.files("training.demo") / "catalogue.csv").read_text(encoding="utf-8")
    titles = [
        Title(
            anime_id=int(row.pop("MAL_ID")),
            franchise=row.pop("Franchise"),
            synopsis=row.pop("Synopsis"),
            facts=row,
        )
        for row in csv.DictReader(text.splitlines())
    ]
    return sorted(titles, key=lambda title: title.anime_id)
