"""Objects in S3 or Google Cloud Storage, by URL. Credentials come from the environment, and go nowhere else."""

import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from models.bundle.writer import durable_file
from models.errors import ObjectMissingError, ObjectStoreError

if TYPE_CHECKING:
    from obstore import PutMode, UpdateVersion

_URL: Final = re.compile(r"(?:s3|gs)://[a-z0-9][a-z0-9._-]+(?:/[^?#\s@]*)?")
# What the library's messages, which fill a page, mean. Virtual machines ask the first two hosts for credentials.
_FAULTS: Final = {
    r"169\.254\.169\.254|metadata\.google": "no credentials in the environment (AWS_ACCESS_KEY_ID, ...)",
    "NoSuchBucket": "there is no such bucket",
    r"AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|40[13] (Forbidden|Unauthorized)": (
        "access denied; credentials come from the environment, and need the right to read and to write here"
    ),
}
_UNREACHABLE: Final = {
    "ConnectionRefused": "connection refused",
    "dns error": "no such host",
    "error sending request": "the connection failed",
    "status code: 5": "the server failed",
}
_ENDPOINT: Final = re.compile(r"performing \w+ \w+://(?:[^/@\s]*@)?([^/\s]+)")
_CHUNK_BYTES: Final = 16 << 20
# A request may take as long as a large file does, but no single read of it.
_CLIENT: Final[dict[str, Any]] = {"allow_http": True, "timeout": "2h", "read_timeout": "30s"}


def is_url(location: str | Path) -> bool:
    """Tell a URL from a folder."""
    return "://" in str(location)


class Objects:
    """The objects below a URL, named as seen from there. ObjectStoreError is raised where they cannot be used."""

    def __init__(self, url: str) -> None:
        if not _URL.fullmatch(url):
            # Not shown as it came: what is no such URL may hold a password.
            shown = re.sub(r"//.*@", "//...@", url.partition("?")[0])[:200]
            raise ObjectStoreError(f"{shown}: expected s3://bucket/prefix or gs://bucket/prefix, without credentials")
        self.url = url.rstrip("/")
        try:
            from obstore.store import from_url  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise ObjectStoreError(f"{url}: needs obstore; install osusume[s3]") from error
        with self._explaining():
            self._store: Any = from_url(self.url, client_options=_CLIENT, retry_config={"max_retries": 3})  # type: ignore[call-overload]

    def read(self, name: str) -> "tuple[bytes, UpdateVersion] | None":
        """Read a small object and its version; None where there is none of that name."""
        try:
            with self._explaining(name):
                found = self._store.get(name)
                content = bytes(found.bytes())
        except ObjectMissingError:
            return None
        return content, {key: found.meta[key] for key in ("e_tag", "version") if found.meta[key]}  # type: ignore[return-value]

    def write(self, name: str, content: bytes | Path, mode: "PutMode" = "overwrite") -> bool:
        """Write an object; False where the mode demands another version of it, or none, and that is not so."""
        from obstore.exceptions import AlreadyExistsError, PreconditionError  # noqa: PLC0415 - an extra

        with self._explaining(name):
            try:
                self._store.put(name, content, mode=mode, chunk_size=_CHUNK_BYTES)
            except (AlreadyExistsError, PreconditionError):
                return False
            return True

    def list(self, prefix: str = "") -> "dict[str, Any]":
        """Give what is known of the objects below a prefix, by name."""
        with self._explaining():
            return {meta["path"]: meta for meta in self._store.list(prefix or None).collect()}

    def download(self, name: str, path: Path) -> None:
        """Write an object to a file, durably."""
        with durable_file(path) as file:
            for chunk in self._read_chunks(name):
                file.write(chunk)

    def _read_chunks(self, name: str) -> Iterator[bytes]:
        with self._explaining(name):
            yield from self._store.get(name).stream()

    def refresh(self, name: str, path: Path) -> None:
        """Download an object unless the file is of the version of it that is there, as noted beside it."""
        with self._explaining(name):
            e_tag = self._store.head(name)["e_tag"]
        note = path.with_name(f".{path.name}.etag")
        if e_tag and path.is_file() and note.is_file() and note.read_text(encoding="utf-8") == e_tag:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        incoming = path.with_name(f".incoming-{path.name}")
        self.download(name, incoming)
        note.unlink(missing_ok=True)
        incoming.replace(path)
        note.write_text(e_tag or "", encoding="utf-8")

    def delete(self, names: Sequence[str]) -> None:
        """Delete objects, in this order."""
        with self._explaining():
            for name in names:
                with contextlib.suppress(FileNotFoundError):
                    self._store.delete(name)

    @contextlib.contextmanager
    def _explaining(self, name: str = "") -> Iterator[None]:
        """Turn errors of the library into lines."""
        from obstore.exceptions import BaseError  # noqa: PLC0415 - an extra

        try:
            yield
        except (BaseError, FileNotFoundError) as error:
            fault = _explain(self.url, name, error)
            raise fault from None


def _explain(url: str, name: str, error: Exception) -> ObjectStoreError:
    message = str(error)
    for signs, fault in _FAULTS.items():
        if re.search(signs, message):
            return ObjectStoreError(f"{url}: {fault}")
    if isinstance(error, FileNotFoundError):
        return ObjectMissingError(f"{url}/{name}: is not there")
    endpoint = found[1] if (found := _ENDPOINT.search(message)) else "the endpoint"
    for sign, fault in _UNREACHABLE.items():
        if sign in message:
            return ObjectStoreError(f"{url}: {endpoint} cannot be reached: {fault}", is_unreachable=True)
    first_line = re.sub(r"//[^/@\s]*@", "//...@", message.partition("\n")[0])
    return ObjectStoreError(f"{url}: {first_line[:300]}")
