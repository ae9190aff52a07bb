"""Files that come as a body: raw, or as a form's field."""

from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import Depends, Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from service.api.bodies import Bodies
from service.importing.unpacking import MAX_BYTES
from service.recommending.errors import InvalidRequestError, Issue, MediaTypeError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FIELD: Final = "file"
# What a form has around its file.
_MAX_FORM_BYTES: Final = 100_000
_HINT: Final = f"send the file as the form's field {FIELD}: curl -F {FIELD}=@list.xml, or as the body alone"


def make_uploads(timeout_s: float) -> Bodies:
    """Make what receives files."""
    return Bodies(timeout_s, MAX_BYTES + _MAX_FORM_BYTES)


async def get_uploads(request: Request) -> Bodies:
    """Give the application's receiver of files, of any media type.

    Raises
    ------
    MediaTypeError
        If the body is compressed otherwise than with gzip, which is unpacked like a gzipped file.
    """
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding not in {"identity", "gzip", "x-gzip"}:
        raise MediaTypeError(encoding, "plain or gzip", "send it without content-encoding")
    uploads: Bodies = request.app.state.uploads
    return uploads


Uploads = Annotated[Bodies, Depends(get_uploads)]


def file_of(body: bytearray, content_type: str) -> bytes:
    """Find the file in a body: the field of a form, or all of it.

    Raises
    ------
    InvalidRequestError
        If it is a form without that field, with several of them, or no form although it says so.
    """
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        return bytes(body)
    form = _Form()
    fault = form.read(bytes(body), options.get(b"boundary", b""))
    if fault or len(form.files) != 1:
        received = fault or (f"{len(form.files)} of them" if form.files else "none")
        raise InvalidRequestError([Issue(FIELD, "one file", received)], _HINT)
    return bytes(form.files[0])


class _Form:
    """Takes the parts of a form, and keeps the files."""

    def __init__(self) -> None:
        self.files: list[bytearray] = []
        self._field = self._value = b""
        self._is_file = False

    def read(self, body: bytes, boundary: bytes) -> str | None:
        """Read a form; a text says what is wrong with it."""
        if not boundary:
            return "a form without a boundary"
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._begin,
            "on_header_field": partial(self._take, "_field"),
            "on_header_value": partial(self._take, "_value"),
            "on_header_end": self._end_header,
            "on_part_data": self._take_data,
        }
        try:
            parser = MultipartParser(boundary, callbacks)
            parser.write(body)
            parser.finalize()
        except FormParserError:
            return "a damaged form"
        return None

    def _begin(self) -> None:
        self._is_file = False

    def _take(self, name: str, data: bytes, start: int, end: int) -> None:
        setattr(self, name, getattr(self, name) + bytes(data[start:end]))

    def _end_header(self) -> None:
        if self._field.lower() == b"content-disposition":
            _, options = parse_options_header(self._value.decode("latin-1"))
            self._is_file = options.get(b"name") == FIELD.encode()
            if self._is_file:
                self.files.append(bytearray())
        self._field = self._value = b""

    def _take_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self.files[-1] += memoryview(data)[start:end]
