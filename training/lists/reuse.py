"""Finds out whether a dump is prepared already, so that the same work is not done twice."""

from dataclasses import asdict
from pathlib import Path

from training.dump.files import DumpFiles
from training.errors import InputError
from training.lists.prepared import REPORT_FILE, PrepareReport, load_prepared
from training.lists.thresholds import Thresholds
from training.support.artefacts import is_undamaged, save_facts


def find_prepared(folder: Path, dump: DumpFiles, thresholds: Thresholds) -> PrepareReport | None:
    """Find what preparing a dump would give, if it was prepared before.

    The dump counts as unchanged if its files are the same by size, time of last change and inode
    (:class:`training.dump.files.FileState`), or else by content. Of the prepared folder every byte is checked.

    Parameters
    ----------
    folder : Path
        Perhaps a prepared dump.
    dump : DumpFiles
    thresholds : Thresholds

    Returns
    -------
    PrepareReport or None
        None where it must be prepared anew: there is none, it is damaged, of an older version, of other settings or
        of another dump.
    """
    try:
        report = load_prepared(folder).report
    except InputError:
        return None
    note = (report.data.name, report.data.simulated)
    if report.settings != asdict(thresholds) or note != (dump.note.name, dump.note.simulated):
        return None
    # Before anything is read: what changes later must not pass for what was read.
    here = report.model_copy(update={"data_folder": dump.folder, "dump_files": dump.states()})
    if not _is_same_dump(report, here, dump) or not is_undamaged(folder / REPORT_FILE):
        return None
    if here != report:
        save_facts(folder / REPORT_FILE, here.model_dump(mode="json"))
    return here


def _is_same_dump(before: PrepareReport, here: PrepareReport, dump: DumpFiles) -> bool:
    settled = all(state.changed_ns is not None for state in here.dump_files)
    if settled and (here.data_folder, here.dump_files) == (before.data_folder, before.dump_files):
        return True
    # Another size is another content, which need not be read to know it.
    sizes, sizes_before = ([(state.name, state.n_bytes) for state in report.dump_files] for report in (here, before))
    return sizes == sizes_before and dump.fingerprint() == before.data.fingerprint
