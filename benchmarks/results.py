"""A measured table as a file: written by every benchmark, read by the report."""

import json
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.machine import describe_machine

Cell = str | int | float | None
Row = Mapping[str, Cell]


@dataclass(frozen=True)
class Result:
    """A table, the command that makes it again and what it was measured on.

    The page shows it where it says ``<!-- table: name -->``. Keys of the rows are the columns; a row need not have
    them all. The note is a line about all rows, such as the size of the model.
    """

    name: str
    command: str
    machine: dict[str, str]
    rows: list[Row]
    note: str = ""


def show(name: str, rows: Sequence[Row], note: str, out: Path | None) -> None:
    """Print a table, and write it where asked."""
    table = Table(*rows[0], title=note)
    for row in rows:
        table.add_row(*map(str, row.values()))
    Console(width=160).print(table)
    if out:
        write_result(out, name, rows, note)


def write_result(path: Path, name: str, rows: Iterable[Row], note: str = "") -> None:
    """Write a table that the command line of this process has measured to a JSON file, whose folder is made."""
    result = Result(name, this_command(), describe_machine(), list(rows), note)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(result), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_results(folder: Path) -> dict[str, Result]:
    """Read every table of a folder.

    Returns
    -------
    dict of str to Result
        By name.

    Raises
    ------
    ValueError
        If a file is no table.
    """
    results = {}
    for path in sorted(folder.glob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            facts = (content["name"], content["command"], content.get("machine", {}), content["rows"])
            result = Result(*facts, content.get("note", ""))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f'{path}: expected {{"name", "command", "machine", "rows": [{{column: value}}]}}, found {error!r}'
            ) from error
        results[result.name] = result
    return results


def this_command() -> str:
    """Give the command line of this process, as somebody would type it: ``python -m package.module``, arguments."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    module = spec.name.removesuffix(".__main__") if spec else sys.argv[0]
    return shlex.join(["python", "-m", module, *sys.argv[1:]])
