"""The local copy of a store that is in a bucket: services read files, and go on when the bucket cannot be reached."""

import hashlib
import logging
import os
from pathlib import Path

from models.errors import ObjectStoreError, StoreUnwritableError
from models.object_store import ObjectStore
from models.objects import is_url
from models.store import CURRENT_FILE
from service.operations.logs import SERVICE
from service.settings import Settings
from service.worker_environment import REMOTE_STORE


def with_local_store(settings: Settings) -> Settings:
    """Give settings whose store is a folder: where it is a bucket, its current bundle is brought here and checked.

    A bucket that cannot be reached, or a full disk, is no fault as long as there is a copy of what was current in it.

    Raises
    ------
    ObjectStoreError
        If the bucket cannot be used.
    StoreError
        If nothing is published there.
    StoreUnwritableError
        If the folder for copies cannot be used.
    """
    if not is_url(settings.store):
        return settings
    store = ObjectStore(str(settings.store))
    # A folder for each URL: the copy of another store is never taken for this one's.
    folder = settings.store_cache / hashlib.sha256(store.url.encode()).hexdigest()[:16]
    try:
        logging.getLogger(SERVICE).info("fetching what is current", extra={"fields": {"store": store.url}})
        _fetch(store, folder)
    except (ObjectStoreError, StoreUnwritableError) as error:
        # A disk that is full or read-only is no reason to end either.
        passes = isinstance(error, StoreUnwritableError) or error.is_unreachable
        if not passes or not (folder / CURRENT_FILE).is_file():
            raise
        fields = {"fault": str(error), "served": str(folder)}
        logging.getLogger(SERVICE).warning("the copy of an earlier start is served", extra={"fields": fields})
    # Each worker looks there for another model.
    os.environ[REMOTE_STORE] = store.url
    return settings.model_copy(update={"store": folder})


def _fetch(store: ObjectStore, folder: Path) -> None:
    try:
        store.fetch(folder)
    except OSError as error:
        raise StoreUnwritableError(f"{folder} cannot keep a copy of {store.url}: {error.strerror}") from error
