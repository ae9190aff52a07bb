"""Puts measured tables into a page, so that no figure in it is typed by hand.

A page says where a table goes, and everything between the two marks is replaced::

    <!-- table: cost_seconds -->
    <!-- end -->

``<!-- machine -->`` takes what everything was measured on.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from benchmarks.results import Result

_TABLE: Final = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_MACHINE: Final = re.compile(r"(<!-- machine -->\n).*?(<!-- end -->)", re.DOTALL)
_MARK: Final = re.compile(r"<!-- (table: \w+|machine|end) -->")


def fill_page(page: str, results: Mapping[str, Result]) -> str:
    """Fill every table there is a result for; the others stay as they are.

    Parameters
    ----------
    page : str
        Markdown.
    results : mapping of str to Result
        By name.

    Raises
    ------
    ValueError
        If a mark has no end, or a result no place on the page.
    """
    marks = _MARK.findall(page)
    if marks[1::2] != ["end"] * (len(marks) // 2) or len(marks) % 2 or "end" in marks[::2]:
        raise ValueError("the page's marks do not pair: each table and the machine need an <!-- end --> of their own")
    missing = sorted(set(results) - {name for _, name, _ in _TABLE.findall(page)})
    if missing:
        raise ValueError(f"the page has no place for {', '.join(missing)}: write <!-- table: {missing[0]} --> where")

    def table(match: re.Match[str]) -> str:
        result = results.get(match[2])
        return match[0] if result is None else f"{match[1]}{render(result)}{match[3]}"

    page = _TABLE.sub(table, page)
    if not results:
        return page
    machine = render_machine(list(results.values()))
    return _MACHINE.sub(lambda match: f"{match[1]}{machine}{match[2]}", page)


def render(result: Result) -> str:
    """Write a result as its command and a Markdown table.

    Returns
    -------
    str
        Ends with a newline.
    """
    note = f"{result.note}\n\n" if result.note else ""
    return f"`{result.command}`\n\n{note}{markdown_table(result.rows)}"


def markdown_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Write rows as a Markdown table.

    Parameters
    ----------
    rows : sequence of mapping
        Keys become columns, in the order in which they first appear.

    Returns
    -------
    str
        Ends with a newline.
    """
    columns = list(dict.fromkeys(name for row in rows for name in row))
    numeric = {name: not any(isinstance(row.get(name), str) for row in rows) for name in columns}
    lines = [columns, ["--:" if numeric[name] else "---" for name in columns]]
    lines += [[_cell(row.get(name)) for name in columns] for row in rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def render_machine(results: Sequence[Result]) -> str:
    """Say what results were measured on.

    Parameters
    ----------
    results : sequence of Result
        One list where all come from the same machine; else each says for which tables it holds.

    Returns
    -------
    str
        Ends with a newline.
    """
    machines: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for result in results:
        machines.setdefault(tuple(result.machine.items()), []).append(result.name)
    blocks = []
    for machine, names in machines.items():
        head = [f"For {', '.join(names)}:\n"] if len(machines) > 1 else []
        blocks.append("\n".join([*head, *(f"- {name}: {value}" for name, value in machine)]) + "\n")
    return "\n".join(blocks)


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return _number(value)
        case _:
            return str(value).replace("|", "\\|").replace("\n", " ")


def _number(value: float) -> str:
    """Write a float as it was rounded, or with three digits where nobody rounded it."""
    short = f"{value:,}" if abs(value) < 1e15 else f"{value:.3g}"
    if len(short.partition(".")[2]) <= 4 and "e" not in short:
        return short
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
