"""The arithmetic of the training benchmarks: growth from sizes, ratios from rounds, memory from samples."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.cost_curve import growth_rows, memory, seconds
from benchmarks.processes import Measured, Sample, run_measured
from benchmarks.training_command import SIZES, STAGES, TrainingRun
from benchmarks.training_runs import NOTEBOOK, Way, parts_row, summarise

ALL_SIZES = list(SIZES.values())
ROWS = [size.n_rows for size in ALL_SIZES]


def _process(wall_s: float = 10.0, cpu_s: float = 20.0, samples: tuple[Sample, ...] = ()) -> Measured:
    return Measured(wall_s, cpu_s, 3_000_000_000, list(samples), "")


def _growth(costs: list[float]) -> tuple[Any, Any]:
    (row,) = growth_rows(ALL_SIZES, [{"cost": cost} for cost in costs])
    return row["slope from 1/30 to full"], row["of the last step"]


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_slope_is_the_power(power: float) -> None:
    assert _growth([3.0 * n**power for n in ROWS]) == (power, power)


def test_small_sizes_do_not_count_for_the_slope() -> None:
    assert _growth([1000.0, *(1e-6 * n for n in ROWS[1:])])[0] == 1.0


def test_the_last_step_is_between_the_two_largest_sizes() -> None:
    assert _growth([*(5.0 for _ in ROWS[:-1]), 5.0 * (ROWS[-1] / ROWS[-2]) ** 2])[1] == 2.0


def test_a_single_size_has_no_slope_and_a_cost_of_zero_no_growth() -> None:
    (row,) = growth_rows(ALL_SIZES[:1], [{"cost": 1.0}])
    assert row["of the last step"] is None
    assert _growth([0.0] * len(ROWS)) == (0.0, 0.0)


def test_sizes_scale_users_and_rows_alike() -> None:
    assert [size.share for size in ALL_SIZES] == ["1/100", "1/30", "1/10", "1/3", "full"]
    for size in ALL_SIZES:
        assert size.n_rows / size.n_users == pytest.approx(109_000_000 / 325_772, rel=1e-3)


def test_ratios_are_taken_within_a_round_and_then_their_median() -> None:
    def ways(notebook_s: float, ours_s: float) -> dict[str, Way]:
        return {NOTEBOOK: Way(notebook_s, 1.0, _process()), "run": Way(ours_s, 0.5, _process())}

    rows = summarise(SIZES["tenth"], [ways(10.0, 2.0), ways(100.0, 25.0), ways(30.0, 10.0)])
    assert [row["times as fast"] for row in rows] == [1.0, 4.0]
    assert rows[1]["times less CPU"] == 2.0
    assert rows[1]["seconds"] == 10.0


def test_a_table_names_the_batches_where_an_epoch_is_extrapolated() -> None:
    parts = {"n_rows": 9, "seconds": {"read": 1.26}, "batches_timed": 3, "batches_in_epoch": 1000}
    parts |= {"seconds_per_batch": 0.03}
    whole = parts_row(SIZES["tenth"], parts | {"unmeasured_s": 0.0})
    some = parts_row(SIZES["tenth"], parts | {"unmeasured_s": 3.5})
    assert (whole["batches"], some["batches"]) == ("all 1,000", "3 of 1,000, extrapolated")
    assert (some["read, s"], some["ms per batch"]) == (1.3, 30.0)


def test_memory_of_a_stage_is_its_peak_while_it_runs() -> None:
    samples = tuple(Sample(float(t), own * 10**9, own * 10**9) for t, own in enumerate([1, 2, 5, 3, 1, 1, 4, 1]))
    stages = {stage: (2.0 * i, 1.5) for i, stage in enumerate(STAGES)}
    run = TrainingRun(_process(samples=samples), stages, 9, 7)
    held, taken = memory(run), seconds(run)
    assert [held[f"{stage}, GB"] for stage in STAGES] == [2.0, 5.0, 1.0, 4.0]
    assert (held["whole run, GB"], held["largest process, GB"]) == (5.0, 3.0)
    assert (taken["train, s"], taken["start and end, s"], taken["whole run, CPU, s"]) == (1.5, 4.0, 20.0)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is sampled from /proc")
def test_memory_and_output_of_a_process_and_its_child_are_seen(tmp_path: Path) -> None:
    child = "import time; block = bytearray(80_000_000); time.sleep(1)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}]); print('done')"
    measured = run_measured([sys.executable, "-c", code], tmp_path / "log")
    assert measured.output == "done\n"
    assert measured.own_gb() > 0.08
    assert measured.resident_gb() > measured.own_gb()
    assert measured.own_gb(0.0, 0.0) == 0.0
    assert measured.wall_s > 1
    # No upper bound: until it starts its program, a child has the pages of the process that tests.
    assert measured.largest_process_bytes > 80_000_000
    assert np.all(np.diff([sample.moment for sample in measured.samples]) > 0)


def test_a_process_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no such luck"):
        run_measured([sys.executable, "-c", "import sys; sys.exit('no such luck')"], tmp_path / "log")
