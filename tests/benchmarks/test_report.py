"""Tables on a page are what was measured, and nothing else on it moves."""

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import PAGE, commands
from benchmarks.tables import describe_machine, fill_page, markdown_table, write_table

ROOT = Path(__file__).resolve().parents[2]
PAGE_TEXT = """# Title

<!-- machine -->
<!-- end -->

Before.

<!-- table: speed -->
old | and \\1 wrong
<!-- end -->

Between.

<!-- table: memory -->
stays
<!-- end -->
"""


def _write(folder: Path, name: str = "speed", cores: str = "2", note: str = "") -> Path:
    content = {
        "name": name,
        "command": f"python -m benchmarks.{name}",
        "machine": {"cores": cores},
        "rows": [{"size": "1/10", "s": 1.5}],
        "note": note,
    }
    (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def test_a_table_takes_the_place_of_the_one_before_and_the_prose_stays(tmp_path: Path) -> None:
    filled = fill_page(PAGE_TEXT, _write(tmp_path))
    assert "old" not in filled
    assert (
        "Before.\n\n<!-- table: speed -->\n`python -m benchmarks.speed`\n\n"
        "| size | s |\n| --- | --: |\n| 1/10 | 1.5 |\n<!-- end -->\n\nBetween."
    ) in filled
    assert "<!-- machine -->\n- cores: 2\n<!-- end -->" in filled


def test_a_table_that_was_not_measured_stays_as_it_was(tmp_path: Path) -> None:
    assert "<!-- table: memory -->\nstays\n<!-- end -->" in fill_page(PAGE_TEXT, _write(tmp_path))
    assert fill_page(PAGE_TEXT, tmp_path / "empty") == PAGE_TEXT


def test_filling_twice_changes_nothing(tmp_path: Path) -> None:
    filled = fill_page(PAGE_TEXT, _write(tmp_path))
    assert fill_page(filled, tmp_path) == filled


def test_a_result_without_a_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no place for elsewhere"):
        fill_page(PAGE_TEXT, _write(tmp_path, "elsewhere"))


@pytest.mark.parametrize("broken", [PAGE_TEXT.replace("<!-- end -->", "", 1), PAGE_TEXT + "<!-- end -->\n"])
def test_a_mark_without_its_end_is_refused_before_it_swallows_prose(tmp_path: Path, broken: str) -> None:
    with pytest.raises(ValueError, match="do not pair"):
        fill_page(broken, _write(tmp_path))


def test_columns_are_those_of_all_rows_and_numbers_read_well() -> None:
    table = markdown_table(
        [{"way": "a|b", "rows": 1090000, "s": 1234.5}, {"way": "c", "ratio": 0.123, "p99 ms": None}]
    )
    assert table.splitlines() == [
        "| way | rows | s | ratio | p99 ms |",
        "| --- | --: | --: | --: | --: |",
        "| a\\|b | 1,090,000 | 1,234.5 |  |  |",
        "| c |  |  | 0.123 |  |",
    ]


def test_two_machines_are_both_named(tmp_path: Path) -> None:
    _write(tmp_path)
    _write(tmp_path, "memory", cores="64")
    assert "<!-- machine -->\n- cores: 64\n\n- cores: 2\n<!-- end -->" in fill_page(PAGE_TEXT, tmp_path)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    write_table("speed", [{"s": 1.5, "note": None}], "of a small model", tmp_path / "new" / "a.json")
    filled = fill_page(PAGE_TEXT, tmp_path / "new")
    assert "`\n\nof a small model\n\n| s | note |\n| --: | --: |\n| 1.5 |  |\n" in filled
    assert "<!-- table: speed -->\n`python -m " in filled
    assert f"- processor: {describe_machine()['processor']}\n" in filled
    assert {"processor", "cores", "memory", "python", "packages"} <= set(describe_machine())


def test_the_projects_page_has_a_place_for_every_table(tmp_path: Path) -> None:
    names = (
        "training_runs", "notebook_parts", "cost_seconds", "cost_memory", "cost_growth", "start", "precompute",
        "routes", "similar_users",
    )  # fmt: skip
    for name in names:
        _write(tmp_path, name)
    filled = fill_page((ROOT / PAGE).read_text(encoding="utf-8"), tmp_path)
    assert filled.count("<!-- table: ") == len(names)


def test_full_size_is_measured_only_where_asked() -> None:
    quick, full = commands(full=False), commands(full=True)
    assert full[:2] == [
        ["benchmarks.training_runs", "--repeat", "3", "--full"],
        ["benchmarks.cost_curve", "--up-to", "full"],
    ]
    assert quick[1] == ["benchmarks.cost_curve", "--up-to", "tenth"]
    assert [command[0] for command in quick] == [command[0] for command in full]
