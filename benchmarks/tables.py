"""Measured tables: a JSON file each, written by every benchmark, and put into a page between its marks.

``<!-- table: NAME -->`` to ``<!-- end -->`` takes a table, ``<!-- machine -->`` what all of them were measured on.
"""

import json
import os
import platform
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from models.cores import usable_cores

# Of text, numbers or None.
Row = Mapping[str, Any]

_PACKAGES: Final = ("numpy", "scipy", "pandas", "pyarrow", "tensorflow", "keras", "fastapi", "uvicorn", "pydantic")
_TABLE: Final = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_MACHINE: Final = re.compile(r"(<!-- machine -->\n).*?(<!-- end -->)", re.DOTALL)
_MARK: Final = re.compile(r"<!-- (table: \w+|machine|end) -->")


def write_table(name: str, rows: Sequence[Row], note: str, out: Path | None) -> None:
    """Print a table, and write it to a file where ``out`` names one: with its command, its machine and a note."""
    print(f"{note}\n\n{markdown_table(rows)}".lstrip(), flush=True)
    if out:
        main = sys.modules["__main__"].__spec__
        command = shlex.join(["python", "-m", main.name if main else sys.argv[0], *sys.argv[1:]])
        content = {"name": name, "command": command, "machine": describe_machine(), "rows": rows, "note": note}
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def fill_page(page: str, folder: Path) -> str:
    """Fill a page of Markdown with every table in a folder; tables without a file stay as they are.

    Raises
    ------
    ValueError
        If the page's marks do not pair, or a table has no place on the page.
    """
    marks = _MARK.findall(page)
    if marks[1::2] != ["end"] * (len(marks) // 2) or len(marks) % 2 or "end" in marks[::2]:
        raise ValueError("the page's marks do not pair: each table and the machine need an <!-- end --> of their own")
    tables = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    texts = {
        table["name"]: f"`{table['command']}`\n\n{note}{markdown_table(table['rows'])}"
        for table in tables
        for note in [f"{table['note']}\n\n" if table["note"] else ""]
    }
    if missing := sorted(set(texts) - {name for _, name, _ in _TABLE.findall(page)}):
        raise ValueError(f"the page has no place for {', '.join(missing)}: write <!-- table: {missing[0]} --> where")
    page = _TABLE.sub(lambda found: f"{found[1]}{texts[found[2]]}{found[3]}" if found[2] in texts else found[0], page)
    machines = dict.fromkeys(
        "".join(f"- {key}: {value}\n" for key, value in table["machine"].items()) for table in tables
    )
    machine = "\n".join(machines)
    return _MACHINE.sub(lambda found: f"{found[1]}{machine}{found[2]}", page) if machine else page


def markdown_table(rows: Sequence[Row]) -> str:
    """Write rows as a Markdown table that ends with a newline; the columns are those of all rows."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = [columns, ["---" if any(isinstance(row.get(name), str) for row in rows) else "--:" for name in columns]]
    lines += [[_cell(row.get(name)) for name in columns] for row in rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value.replace("|", "\\|")
    return "" if value is None else f"{value:,}"


def describe_machine() -> dict[str, str]:
    """Name what decides how fast this machine is, and the packages that do the work."""
    processor = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    return {
        "processor": processor[1] if processor else platform.machine(),
        "cores": str(usable_cores()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": ", ".join(f"{name} {version(name)}" for name in _PACKAGES),
    }
