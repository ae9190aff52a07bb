"""What can be wrong with a bundle or a store.

::

    BundleError                 one file, one fault
    ├── BundleMissingError      a file or the folder is not there
    ├── BundleFormatError       another format version, or a manifest that does not parse
    ├── BundleCorruptError      bytes differ from what the manifest promises
    └── BundleContentError      the bytes are as written, but break the contract of the format
    StoreError                  the folder of published bundles cannot be used
    ├── StoreUnwritableError    it cannot be written: the disk is full, for example
    └── ObjectStoreError        a bucket cannot
        └── ObjectMissingError  it can, but what was asked for is not there
"""

from pathlib import Path


class BundleError(Exception):
    """A bundle cannot be used: the file at fault, what is wrong with it, and how to mend it where that is known."""

    def __init__(self, path: Path, fault: str) -> None:
        super().__init__(f"{path}: {fault}")
        self.path = path
        self.fault = fault


class BundleMissingError(BundleError):
    """A file of the bundle, or the bundle itself, is not there."""


class BundleFormatError(BundleError):
    """The manifest is of another format version or cannot be understood."""


class BundleCorruptError(BundleError):
    """A file is truncated or was changed after it was written."""


class BundleContentError(BundleError):
    """A file is as it was written, but what it holds breaks the contract of the format."""


class StoreError(Exception):
    """The folder of published bundles cannot be read or written."""


class StoreUnwritableError(StoreError):
    """The folder of published bundles cannot be written."""


class ObjectStoreError(StoreError):
    """A bucket of an object store cannot be used: its URL and why, without credentials."""

    def __init__(self, fault: str, *, is_unreachable: bool = False) -> None:
        super().__init__(fault)
        self.is_unreachable = is_unreachable


class ObjectMissingError(ObjectStoreError):
    """The bucket can be used, but holds no object of that name."""
