"""The oracle of the list readers: one line at a time, no blocks."""

import csv
import re
from collections.abc import Sequence

RATING = "rating outside 0..10 or no whole number"

Kept = list[tuple[int, ...]]
Rejected = list[tuple[int, str]]


def read_slowly_and_simply(content: bytes, header: Sequence[str]) -> tuple[Kept, Rejected]:
    """Give rows as (line, user, anime, rating, status), and (line, reason) of the others."""
    kept: Kept = []
    rejected: Rejected = []
    text = content.decode("utf-8-sig", "replace")
    if "\ufffd" in text and not any("\x7f" < letter != "\ufffd" for letter in text):
        # Not a single letter of UTF-8 beyond ASCII.
        text = content.removeprefix(b"\xef\xbb\xbf").decode(
            "utf-8" if content[:1] == b"\xef" else "cp1252", "replace"
        )
    for line, one in enumerate(text.split("\n"), start=1):
        if line > 1 and one.strip():
            row, reason = _judge(one.rstrip("\r"), header)
            if reason:
                rejected.append((line, reason))
            else:
                kept.append((line, *row))
    return kept, rejected


def _judge(text: str, header: Sequence[str]) -> tuple[list[int], str]:  # noqa: C901, PLR0911
    try:
        cells = next(csv.reader([text], skipinitialspace=True))
    except csv.Error:
        return [], "no CSV"
    if len(cells) != len(header):
        return [], f"wrong number of columns, expected {len(header)} (a cut line?)"
    named = {name: cell.strip().strip('"').strip() for name, cell in zip(header, cells, strict=True)}
    for name in (name for name in header if name in {"user_id", "anime_id", "rating", "watching_status"}):
        blank = named[name].lower() in {"", "nan"}
        if name == "rating" and blank:
            named[name] = "0"
        pattern = r"[+-]?\d+\.?\d*(e[+-]?\d+)?" if name == "rating" else r"[+-]?\d+(\.0*)?"
        if not re.fullmatch(pattern, named[name], re.ASCII):
            if blank:
                return [], f"{name} is missing"
            if "\ufffd" in named[name]:
                return [], "bytes that are no UTF-8"
            if name != "watching_status":
                return [], f"{name} is no number"
        if name.endswith("_id") and abs(int(named[name].partition(".")[0])) >= 2**63:
            return [], f"{name} is out of range"
        if name.endswith("_id") and int(named[name].partition(".")[0]) < 0:
            return [], "negative id"
        if name == "rating" and float(named[name]) not in range(-1, 11):
            return [], RATING
    words = {"watching": 1, "1": 1, "2": 2, "3": 3, "4": 4, "6": 6}
    if named["watching_status"] not in words:
        return [], "unknown watching_status"
    ids = [int(named[name].partition(".")[0]) for name in ("user_id", "anime_id")]
    return [*ids, max(0, int(float(named["rating"]))), words[named["watching_status"]]], ""
