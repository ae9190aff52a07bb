"""A seal: how a process that checked every byte of a bundle tells others on its machine that they need not."""

import hashlib
from pathlib import Path

from models.errors import BundleMissingError
from models.layout import MANIFEST_FILE


def seal_of(folder: Path) -> str:
    """Seal a bundle as it lies there. Take the seal before checking: what changes meanwhile breaks it.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    str
        Another one as soon as the manifest says something else, or a file was written to, replaced, added or
        removed, its old content put back included. It says nothing of whether the bundle is sound.

    Raises
    ------
    BundleMissingError
        If the folder or its manifest cannot be read.
    """
    try:
        digest = hashlib.sha256((folder / MANIFEST_FILE).read_bytes())
        for path in sorted(folder.iterdir()):
            found = path.stat()
            # The time of the last change of the inode cannot be set, unlike that of the content.
            facts = (path.name, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
            digest.update(repr(facts).encode())
    except OSError as error:
        raise BundleMissingError(folder / MANIFEST_FILE, f"cannot be read: {error.strerror}") from error
    return digest.hexdigest()
