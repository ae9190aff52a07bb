"""From the bytes that somebody sends to ratings: unpacked, decoded, recognised, read, and looked up."""

import re
from pathlib import Path

from service.importing.entries import ReadList
from service.importing.json_lists import read_json
from service.importing.lines import read_lines
from service.importing.matching import ImportedList, match
from service.importing.tables import read_table
from service.importing.unpacking import MAX_BYTES, decode, unpack
from service.importing.xml_lists import read_xml
from service.recommending.errors import BodyTooLargeError, UnreadableListError
from service.recommending.model import LoadedModel


def import_list(body: bytes, model: LoadedModel) -> ImportedList:
    """Read a list of any known form, and look its entries up.

    Raises
    ------
    BodyTooLargeError
        If it unpacks to more than is read.
    UnreadableListError
        If it is no list, or longer than is read; says what it is.
    """
    return match(_read(body), model)


def read_list_file(path: Path, model: LoadedModel) -> ImportedList:
    """Read the list in a file of this machine, as :func:`import_list` does.

    Raises
    ------
    BodyTooLargeError
        If the file is larger than is read.
    """
    with path.open("rb") as file:
        body = file.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise BodyTooLargeError(MAX_BYTES, "the file")
    return import_list(body, model)


def _read(body: bytes) -> ReadList:
    documents = unpack(body)
    if len(documents) == 1:
        return _read_document(documents[0].content)
    # An archive of several files: the longest list in it is the one that was meant.
    lists: dict[str | None, ReadList] = {}
    faults = []
    for name, content in documents:
        try:
            lists[name] = _read_document(content)
        except UnreadableListError as error:
            faults.append(f"{name}: {error.detail}")
    if not lists:
        raise UnreadableListError(f"the zip archive holds no list that can be read: {'; '.join(faults[:5])}")
    chosen = max(lists, key=lambda name: (lists[name].format != "titles", len(lists[name].entries)))
    read = lists[chosen]
    read.notes.append(f"Of the archive's {len(documents)} files, {chosen} was read.")
    return read


def _read_document(content: bytes) -> ReadList:
    text, notes = decode(content)
    begun = text.lstrip()
    if begun.startswith("<"):
        read = read_xml(begun)
    elif re.match(r"\{|\[\s*[\[{\]]", begun):
        read = read_json(begun)
    else:
        read = read_table(text) or read_lines(text)
    if not read.entries:
        raise UnreadableListError("the list is empty", "export it again, or paste titles, one per line")
    read.notes[:0] = notes
    return read
