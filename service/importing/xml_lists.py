"""MyAnimeList's XML export, and what Kitsu, Shikimori and AniList's tools write in that form."""

import re
from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from service.importing.entries import Entry, ReadList, require_few
from service.importing.scores import read_score
from service.importing.statuses import set_status
from service.recommending.errors import UnreadableListError

_PIECE: Final = 1 << 16
_MAX_DEPTH: Final = 20
_MAX_ENTRY: Final = 20_000
_FIRST_TAG: Final = re.compile(r"<([A-Za-z_][\w.-]{0,50})")
_HTML: Final = re.compile(r"\s*(<!doctype html|<html)", re.IGNORECASE)
_DECLARATION: Final = re.compile(r"\A<\?xml[^>]*\?>")
_AMPERSAND: Final = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});)")
_UNPAIRED: Final = re.compile(r"<(?![/!?A-Za-z_])")
# What XML 1.0 has no place for.
_NO_XML: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|&#(?:[0-8]|1[124-9]|2\\d|3[01]|x[0-8bcef]|x1[0-9a-f]);", re.I
)
_CDATA: Final = "<![CDATA["
_EXPORT: Final = "log in at the site, export the list there, and send that file"


def read_xml(text: str) -> ReadList:
    """Read an export in MyAnimeList's form, entry by entry where it is damaged.

    Raises
    ------
    UnreadableListError
        If it is something else: a web page, other XML, a list of manga, or XML that declares entities.
    """
    _require_export(text)
    begun = _DECLARATION.sub("", text, count=1)
    notes = []
    try:
        found = _parse(begun)
    except DefusedXmlException as error:
        raise UnreadableListError("the XML declares entities, which no export does", _EXPORT) from error
    except (ParseError, ValueError):
        found = _parse_each(begun)
        notes.append("The XML is damaged; it was mended, and read entry by entry.")
    if found.n_manga and not found.entries:
        raise UnreadableListError("this is a list of manga", "the site exports anime and manga apart; send the anime")
    if found.n_manga:
        notes.append(f"{found.n_manga} manga were left out.")
    return ReadList("myanimelist-xml", found.entries, notes)


def _require_export(text: str) -> None:
    if _HTML.match(text):
        raise UnreadableListError("this is a web page, not an exported list", _EXPORT)
    tag = _FIRST_TAG.search(text)
    if tag is None or tag.group(1).lower() not in {"myanimelist", "anime", "manga", "myinfo"}:
        begins = f"begins with <{tag.group(1)}>" if tag else "has no element"
        raise UnreadableListError(f"this is XML, but no list: it {begins}, not with <myanimelist>", _EXPORT)


class _Collector:
    """Takes what the parser finds, so that no tree of it is kept."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.n_manga = 0
        self._fields: dict[str, str] | None = None
        self._texts: list[str] = []
        self._depth = 0

    def start(self, tag: str, _: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ValueError("nested too deeply")
        self._texts = []
        if tag == "anime":
            self._fields = {}
        self.n_manga += tag == "manga"

    def data(self, text: str) -> None:
        self._texts.append(text)

    def end(self, tag: str) -> None:
        self._depth -= 1
        if tag == "anime":
            self.add(self._fields or {})
            self._fields = None
        elif self._fields is not None:
            self._fields[tag] = "".join(self._texts).strip()

    def close(self) -> "_Collector":
        return self

    def add(self, fields: dict[str, str], fault: str | None = None) -> None:
        """Make an entry of what stands in it."""
        require_few(len(self.entries) + 1)
        entry = Entry(len(self.entries) + 1, title=fields.get("series_title") or None, fault=fault)
        self.entries.append(entry)
        if fault:
            return
        number = fields.get("series_animedb_id", "")
        # Anime that a site knows no MyAnimeList id of are exported with 0.
        entry.anime_id = (
            int(number) if number.isascii() and number.isdigit() and 0 < len(number.strip("0")) < 19 else None
        )
        entry.score = read_score(fields.get("my_score"))
        is_again = fields.get("my_rewatching", "").casefold() in {"1", "yes", "true"}
        set_status(entry, fields.get("my_status"), is_again=is_again)


def _parse(text: str) -> _Collector:
    found = _Collector()
    parser = DefusedXMLParser(target=found)
    # In pieces: the parser would hold up every other thread until it is through.
    for start in range(0, len(text), _PIECE):
        parser.feed(text[start : start + _PIECE])
    parser.close()
    return found


def _parse_each(text: str) -> _Collector:
    found = _Collector()
    found.n_manga = text.count("<manga>")
    for written in _entries(text):
        try:
            one = _parse(_mend(written)) if len(written) <= _MAX_ENTRY else None
        except (ParseError, ValueError, DefusedXmlException):
            one = None
        if one and len(one.entries) == 1:
            require_few(len(found.entries) + 1)
            found.entries.append(one.entries[0])
            one.entries[0].place = len(found.entries)
        else:
            title = re.search(r"<series_title>(?:<!\[CDATA\[)?([^<\]]{1,200})", written[:_MAX_ENTRY])
            fields = {"series_title": title.group(1)} if title else {}
            found.add(fields, "the entry is damaged, and cannot be read")
    return found


def _entries(text: str) -> Iterator[str]:
    """Find the entries by their tags; one that does not end, ends where the next begins."""
    start = text.find("<anime>")
    while start >= 0:
        following = text.find("<anime>", start + 7)
        bound = following if following >= 0 else len(text)
        end = text.find("</anime>", start, bound)
        yield text[start : end + 8 if end >= 0 else bound]
        start = following


def _mend(written: str) -> str:
    """Mend what people's tools get wrong: raw ampersands and brackets, and characters that XML has no place for."""
    outside, *rest = _NO_XML.sub("", written).split(_CDATA)
    mended = [_mend_text(outside)]
    for part in rest:
        # In CDATA everything is allowed.
        inside, end, outside = part.partition("]]>")
        mended += [_CDATA, inside, end, _mend_text(outside)]
    return "".join(mended)


def _mend_text(text: str) -> str:
    return _UNPAIRED.sub("&lt;", _AMPERSAND.sub("&amp;", text))
