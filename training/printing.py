"""What commands print of their results."""

from pathlib import Path
from typing import Any, Final

from rich.console import Console

from models.bundle.manifest import ModelUpdate
from training.dump.rejects import REJECTS_FILE
from training.lists.prepared import PrepareReport

out: Final = Console(highlight=False, soft_wrap=True)


def print_prepared(report: PrepareReport, work: Path) -> None:
    """Print what prepare kept and set aside."""
    counts = report.data.counts
    kind = " (simulated)" if report.data.simulated else ""
    out.print(
        f"{report.data.name}{kind}: kept {counts['rows_kept']:,} rows of {counts['users_kept']:,} users and "
        f"{counts['anime_kept']:,} anime; {counts['rows_below_thresholds']:,} rows of "
        f"{counts['users_read'] - counts['users_kept']:,} users and of anime below the thresholds left out"
    )
    for reason, count in sorted(report.rejected.items(), key=lambda item: -item[1]):
        out.print(f"  set aside {count:,}: {reason}")
    if report.rejected:
        out.print(f"  the rows are in {work / 'prepared' / REJECTS_FILE}")
    for note in report.notes:
        out.print(f"  note: {note}")


def print_metrics(metrics: dict[str, Any], work: Path) -> None:
    """Print the evaluation's table."""
    from training.evaluation.report import print_table  # noqa: PLC0415 - brings matplotlib

    print_table(metrics)
    out.print(f"plots and numbers: {work / 'report'}")


def print_update(added: ModelUpdate) -> None:
    """Print what an update of a bundle added."""
    out.print(
        f"{added.n_new_users:,} new users, {added.n_changed_lists:,} changed lists, {added.n_removed_users:,} users "
        f"gone, {added.n_new_anime:,} new anime"
    )
    if added.n_waiting_anime:
        out.print(f"  note: {added.n_waiting_anime:,} new anime are on enough lists to be learned by the next `run`")
    placed = added.placed_by_content
    if "ndcg_at_10" in placed:
        found, learned = (placed[name]["mean"] for name in ("ndcg_at_10", "learned_ndcg_at_10"))
        out.print(f"anime placed by content: similar anime {found:.3f} NDCG@10, learned {learned:.3f}")
