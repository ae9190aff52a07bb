"""The prepare stage: the files of a dump -> lists in rows and the catalogue's arrays."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

from models.bundle.manifest import DataCard
from training.dump.catalogue import catalogue_arrays, new_anime_arrays, read_catalogue
from training.dump.elsewhere import read_elsewhere
from training.dump.files import DumpFiles
from training.dump.rejects import RejectedRows
from training.errors import InputError
from training.lists.list_reader import read_lists
from training.lists.prepared import Prepared, PrepareReport
from training.lists.thresholds import Thresholds, apply_thresholds
from training.support.engine import LOCAL, Engine


def prepare(
    dump: DumpFiles,
    thresholds: Thresholds,
    rejects: RejectedRows,
    on_bytes: Callable[[int], None] = lambda _: None,
    engine: Engine = LOCAL,
) -> Prepared:
    """Read a dump, keep what can be learned from, and number users and anime in rows.

    ``rejects`` takes the rows that cannot be used; ``on_bytes`` is called with the bytes of list files read so far.

    Raises
    ------
    InputError
        If a file cannot be used, or nothing is left.
    """
    started = time.monotonic()
    stamps = dump.stamps()
    with ThreadPoolExecutor(1) as pool:
        hashing = pool.submit(dump.fingerprint)
        catalogue = read_catalogue(dump.catalogue, dump.synopses, rejects)
        elsewhere = read_elsewhere(dump.synonyms, dump.id_map, rejects)
        n_of_catalogue = rejects.counts.total()
        # What a cluster made of files is used again for the same ones.
        version = "" if engine is LOCAL else hashing.result()
        everything = read_lists(dump.lists, version, catalogue.anime_ids, rejects, on_bytes, engine)
        kept = apply_thresholds(everything, thresholds, engine)
    # The fingerprint might be that of other rows than were read.
    now = dump.stamps()
    changed = [path.name for path, stamp in stamps.items() if now.get(path) != stamp]
    if changed:
        raise InputError(f"{dump.folder}: {', '.join(changed)} changed while it was read; run again once it is whole")
    n_rejected = rejects.counts.total() - n_of_catalogue
    counts = {
        "rows_read": n_rejected + len(everything.anime_rows),
        "rows_rejected": n_rejected,
        "rows_below_thresholds": len(everything.anime_rows) - len(kept.anime_rows),
        "rows_kept": len(kept.anime_rows),
        "users_read": everything.n_users,
        "users_kept": kept.n_users,
        "anime_in_catalogue": len(catalogue.cards),
        "anime_kept": kept.n_anime,
        "anime_without_synopsis": sum(
            catalogue.cards[anime_id].synopsis is None for anime_id in kept.anime_ids.tolist()
        ),
    }
    report = PrepareReport(
        data=DataCard(
            name=dump.note.name, simulated=dump.note.simulated, fingerprint=hashing.result(), counts=counts
        ),
        data_folder=dump.folder,
        rejected=dict(rejects.counts),
        notes=[] if dump.synopses else ["no anime_with_synopsis.csv: answers have no synopsis"],
        settings=asdict(thresholds),
        seconds=time.monotonic() - started,
    )
    arrays = catalogue_arrays(catalogue, kept.anime_ids)
    return Prepared(kept, arrays, new_anime_arrays(catalogue, kept.anime_ids, arrays), elsewhere, report)
