"""Tables on a page are what was measured, and nothing else on it moves."""

from pathlib import Path

import pytest

from benchmarks.__main__ import PAGE, commands
from benchmarks.places import DUMPS, RESULTS, WORK
from benchmarks.report import fill_page, markdown_table, render, render_machine
from benchmarks.results import Result, read_results, write_result

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


def _result(name: str = "speed", machine: dict[str, str] | None = None) -> Result:
    return Result(name, f"python -m benchmarks.{name}", machine or {"cores": "2"}, [{"size": "1/10", "s": 1.5}])


def test_a_table_takes_the_place_of_the_one_before_and_the_prose_stays() -> None:
    filled = fill_page(PAGE_TEXT, {"speed": _result()})
    assert "old" not in filled
    assert (
        "Before.\n\n<!-- table: speed -->\n`python -m benchmarks.speed`\n\n"
        "| size | s |\n| --- | --: |\n| 1/10 | 1.5 |\n<!-- end -->\n\nBetween."
    ) in filled
    assert "<!-- machine -->\n- cores: 2\n<!-- end -->" in filled


def test_a_table_nobody_measured_stays_as_it_was() -> None:
    assert "<!-- table: memory -->\nstays\n<!-- end -->" in fill_page(PAGE_TEXT, {"speed": _result()})


def test_filling_twice_changes_nothing() -> None:
    filled = fill_page(PAGE_TEXT, {"speed": _result()})
    assert fill_page(filled, {"speed": _result()}) == filled


def test_a_result_without_a_place_is_refused() -> None:
    with pytest.raises(ValueError, match="no place for elsewhere"):
        fill_page(PAGE_TEXT, {"elsewhere": _result("elsewhere")})


@pytest.mark.parametrize("broken", [PAGE_TEXT.replace("<!-- end -->", "", 1), PAGE_TEXT + "<!-- end -->\n"])
def test_a_mark_without_its_end_is_refused_before_it_swallows_prose(broken: str) -> None:
    with pytest.raises(ValueError, match="do not pair"):
        fill_page(broken, {"speed": _result()})


def test_columns_are_those_of_all_rows_and_numbers_read_well() -> None:
    table = markdown_table(
        [{"way": "a|b", "rows": 1090000, "s": 1234.5}, {"way": "c", "ratio": 0.123456789, "p99 ms": None}]
    )
    assert table.splitlines() == [
        "| way | rows | s | ratio | p99 ms |",
        "| --- | --: | --: | --: | --: |",
        "| a\\|b | 1,090,000 | 1,234.5 |  |  |",
        "| c |  |  | 0.123 |  |",
    ]


def test_two_machines_say_which_tables_are_theirs() -> None:
    text = render_machine([_result("speed"), _result("memory", {"cores": "64"})])
    assert text == "For speed:\n\n- cores: 2\n\nFor memory:\n\n- cores: 64\n"


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    write_result(tmp_path / "new" / "a.json", "speed", [{"s": 1.5, "note": None}], "of a small model")
    result = read_results(tmp_path / "new")["speed"]
    assert "`\n\nof a small model\n\n| s |" in render(result)
    assert result.rows == [{"s": 1.5, "note": None}]
    assert result.command.startswith("python -m ")
    assert {"processor", "cores", "memory", "python", "packages"} <= set(result.machine)


def test_a_file_that_is_no_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "odd.json").write_text('{"name": "odd"}', encoding="utf-8")
    with pytest.raises(ValueError, match=r"odd\.json: expected"):
        read_results(tmp_path)


def test_the_projects_page_has_a_place_for_every_table() -> None:
    names = (
        "training_runs", "notebook_parts", "cost_seconds", "cost_memory", "cost_growth", "start", "precompute",
        "routes", "similar_users", "training_parts",
    )  # fmt: skip
    fill_page((ROOT / PAGE).read_text(encoding="utf-8"), {name: _result(name) for name in names})


def test_what_a_page_shows_as_a_command_names_no_folder_that_is_the_default() -> None:
    first, second, *_ = commands(RESULTS, DUMPS, WORK, full=True)
    assert first == ["benchmarks.training_runs", "--repeat", "3", "--full"]
    assert second == ["benchmarks.cost_curve", "--up-to", "full"]
    moved = commands(RESULTS, Path("elsewhere"), WORK, full=False)
    assert moved[1] == ["benchmarks.cost_curve", "--dumps", "elsewhere", "--up-to", "tenth"]
