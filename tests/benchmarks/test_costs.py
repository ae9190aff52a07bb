"""The arithmetic of the benchmarks: epochs from batches, growth from sizes, ratios from rounds."""

import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.cost_curve import growth_rows, memory_rows, plot, seconds_rows
from benchmarks.dumps import SIZES
from benchmarks.growth import fit_growth
from benchmarks.notebook_way import extrapolate
from benchmarks.processes import Measured, Sample, run_measured
from benchmarks.training_command import STAGES, TrainingRun
from benchmarks.training_runs import NOTEBOOK, Way, parts_row, summarise

ROWS = [size.n_rows for size in SIZES.values()]


def _process(wall_s: float = 10.0, cpu_s: float = 20.0, samples: tuple[Sample, ...] = ()) -> Measured:
    return Measured(wall_s, cpu_s, 3_000_000_000, list(samples), "")


def test_an_epoch_is_what_was_trained_and_the_rest_at_the_pace_after_warming_up() -> None:
    # The two that warm up take 5 s, each later one .5 s.
    moments = np.array([4.0, 5.0, 5.5, 6.0])
    epoch = extrapolate(moments, n_batches=10, n_warm_up=2)
    assert epoch.seconds_per_batch == 0.5
    assert epoch.unmeasured_seconds == 3.0
    assert epoch.seconds == 9.0
    assert epoch.n_timed == 2


def test_an_epoch_trained_whole_is_not_extrapolated() -> None:
    epoch = extrapolate(np.array([2.0, 3.0, 4.0, 5.0]), n_batches=4, n_warm_up=20)
    assert (epoch.seconds, epoch.unmeasured_seconds, epoch.n_timed) == (5.0, 0.0, 2)


@pytest.mark.parametrize(("n_trained", "n_batches"), [(2, 10), (5, 4), (1, 1)])
def test_batches_that_cannot_tell_an_epoch_are_refused(n_trained: int, n_batches: int) -> None:
    with pytest.raises(ValueError, match="cannot tell an epoch"):
        extrapolate(np.arange(1.0, n_trained + 1), n_batches, n_warm_up=2)


def test_a_fixed_cost_and_a_cost_per_row_are_told_apart() -> None:
    growth = fit_growth(ROWS, [30.0 + 2e-6 * n for n in ROWS])
    assert growth.fixed == pytest.approx(30.0)
    assert growth.per_row == pytest.approx(2e-6)
    assert growth.worst_error == pytest.approx(0.0, abs=1e-9)


def test_neither_part_of_a_cost_is_below_zero() -> None:
    falling = fit_growth(ROWS, [1e9 / n for n in ROWS])
    steep = fit_growth(ROWS, [1e-12 * n**2 for n in ROWS])
    assert (falling.per_row, steep.fixed) == (0.0, 0.0)
    assert steep.worst_error > 0.5


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_slope_is_the_power(power: float) -> None:
    assert fit_growth(ROWS, [3.0 * n**power for n in ROWS]).slope == pytest.approx(power)


def test_small_sizes_do_not_count_for_the_slope() -> None:
    costs = [1000.0, *(1e-6 * n for n in ROWS[1:])]
    assert fit_growth(ROWS, costs, SIZES["thirtieth"].n_rows).slope == pytest.approx(1.0)


def test_the_last_step_is_between_the_two_largest_sizes() -> None:
    costs = [*(5.0 for _ in ROWS[:-1]), 5.0 * (ROWS[-1] / ROWS[-2]) ** 2]
    assert fit_growth(ROWS, costs).last_slope == pytest.approx(2.0)
    assert fit_growth(ROWS[::-1], costs[::-1]).last_slope == pytest.approx(2.0)


def test_a_cost_of_zero_or_a_single_size_has_no_slope() -> None:
    assert np.isnan(fit_growth(ROWS, [0.0] * len(ROWS)).slope)
    assert np.isnan(fit_growth(ROWS[:1], [1.0]).slope)


def test_sizes_scale_users_and_rows_alike() -> None:
    assert [size.share for size in SIZES.values()] == ["1/100", "1/30", "1/10", "1/3", "full"]
    for size in SIZES.values():
        assert size.n_rows / size.n_users == pytest.approx(109_000_000 / 325_772, rel=1e-3)


def test_ratios_are_taken_within_a_round_and_then_their_median() -> None:
    def ways(notebook_s: float, ours_s: float) -> dict[str, Way]:
        return {NOTEBOOK: Way(notebook_s, 1.0, _process()), "run": Way(ours_s, 0.5, _process())}

    rows = summarise(SIZES["tenth"], [ways(10.0, 2.0), ways(100.0, 25.0), ways(30.0, 10.0)])
    assert [row["times as fast"] for row in rows] == [1.0, 4.0]
    assert rows[1]["times less CPU"] == 2.0
    assert rows[1]["seconds"] == 10.0


def test_a_table_says_where_an_epoch_is_extrapolated() -> None:
    parts = {"n_rows": 9, "seconds": {"read": 1.26}, "batches_timed": 3, "batches_in_epoch": 1000}
    parts |= {"seconds_per_batch": 0.03}
    whole = parts_row(SIZES["tenth"], parts | {"epoch_is_extrapolated": False})
    some = parts_row(SIZES["tenth"], parts | {"epoch_is_extrapolated": True})
    assert (whole["batches"], some["batches"]) == ("all 1,000", "3 of 1,000, extrapolated")
    assert (some["read, s"], some["ms per batch"]) == (1.3, 30.0)


def test_memory_of_a_stage_is_its_peak_while_it_runs() -> None:
    samples = tuple(Sample(float(t), own * 10**9, own * 10**9) for t, own in enumerate([1, 2, 5, 3, 1, 1, 4, 1]))
    stages = {stage: (2.0 * i, 1.5) for i, stage in enumerate(STAGES)}
    run = TrainingRun(_process(samples=samples), stages, 90, 9, 7)
    (memory,) = memory_rows([(SIZES["tenth"], run)])
    assert [memory[f"{stage}, GB"] for stage in STAGES] == [2.0, 5.0, 1.0, 4.0]
    assert (memory["whole run, GB"], memory["largest process, GB"]) == (5.0, 3.0)
    (seconds,) = seconds_rows([(SIZES["tenth"], run)])
    assert (seconds["train, s"], seconds["start and end, s"], seconds["anime kept"]) == (1.5, 4.0, 7)


def test_one_size_makes_tables_and_a_plot_too(tmp_path: Path) -> None:
    samples = (Sample(0.5, 10**9, 10**9),)
    run = TrainingRun(_process(samples=samples), dict.fromkeys(STAGES, (0.0, 1.0)), 90, 9, 7)
    assert len(growth_rows([(SIZES["tenth"], run)])) > len(STAGES)
    plot([(SIZES["tenth"], run)], tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 1000


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is sampled from /proc")
def test_memory_and_output_of_a_process_and_its_child_are_seen(tmp_path: Path) -> None:
    child = "import time; block = bytearray(80_000_000); time.sleep(1)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}]); print('done')"
    measured = run_measured([sys.executable, "-c", code], tmp_path / "log")
    assert measured.output == "done\n"
    assert measured.peak().own_bytes > 80_000_000
    assert measured.peak().resident_bytes > measured.peak().own_bytes
    assert measured.wall_s > 1


def test_a_process_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no such luck"):
        run_measured([sys.executable, "-c", "import sys; sys.exit('no such luck')"], tmp_path / "log")
