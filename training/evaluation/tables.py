"""Tables of text, for the terminal and as markdown."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from training.evaluation.mirror import MIRROR_METRICS

PIPE_WIDTH: Final = 200
RATING_WORDS: Final = """\
loved NDCG@10 counts only those targets that the user rates above their own mean; harm@10 is the share of the rated
targets in the first ten that the user rates below it (lower is better). Mirror: a user's three loved titles (8 or
more) and three to five hated ones (1 to 4, or dropped) go in as they are, with the hated ones turned into tens, and
the loved ones alone. The first ten should change where hate is turned into love (first column: lower is better), and
stay where it is left out (second: higher is better). A method that looks at no ratings has 1 in the first."""


@dataclass(frozen=True)
class TextTable:
    """A table; its first column holds names, the others numbers."""

    title: str
    headings: tuple[str, ...]
    rows: list[tuple[str, ...]]

    def print(self) -> None:
        """Print it to standard output."""
        rich = Table(*self.headings[:1], title=self.title)
        for heading in self.headings[1:]:
            rich.add_column(heading, justify="right")
        for row in self.rows:
            rich.add_row(*row)
        # A pipe has no width of its own.
        Console(width=None if Console().is_terminal else PIPE_WIDTH, highlight=False).print(rich)

    def markdown(self) -> str:
        """Return it as markdown, with the title as a sentence before it."""
        lines = [self.headings, ("---",) * len(self.headings), *self.rows]
        return f"{self.title[:1].upper()}{self.title[1:]}:\n\n" + "\n".join(
            "| " + " | ".join(line) + " |" for line in lines
        )


def mirror_table(methods: Mapping[str, Mapping[str, Any]], names: Iterable[str]) -> TextTable:
    """Make the table of overlaps, of those of the named methods that have some."""
    measured = {name: methods[name]["mirror"] for name in names if methods[name]["mirror"]}
    n_users = max((one[MIRROR_METRICS[0]]["n"] for one in measured.values()), default=0)
    rows = [(name, *(show(one[metric]) for metric in MIRROR_METRICS)) for name, one in measured.items()]
    title = f"mirror, {n_users:,} users: overlap of the first ten for a list as it is"
    return TextTable(title, ("method", "with hate turned into love", "with the loved alone"), rows)


def show(estimate: Mapping[str, float] | None, decimals: int = 3) -> str:
    """Format a mean with half its interval as ``".586 ±.013"``, or None as a dash."""
    if not estimate:
        return "-"
    mean, half = estimate["mean"], (estimate["high"] - estimate["low"]) / 2
    return f"{number(mean, decimals)} ±{number(half, decimals)}"


def number(value: float, decimals: int) -> str:
    """Format a number without a 0 before the point."""
    text = f"{value:,.{decimals}f}"
    return text.removeprefix("0") if text.startswith("0.") else text


def name_of(name: str, generalisation: str) -> str:
    """Mark methods that learned from the test users' lists."""
    return f"{name} (weak)" if generalisation == "weak" else name
