"""Tables of text, for the terminal and as markdown."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.table import Table

PIPE_WIDTH: Final = 160


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
