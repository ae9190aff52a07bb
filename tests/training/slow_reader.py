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
    for line, raw in enumerate(content.split(b"\n"), start=1):
        text = raw.rstrip(b"\r").decode("utf-8", "replace")
        if line > 1 and text.strip():
            row, reason = _judge(text, header)
            if reason:
                rejected.append((line, reason))
            else:
                kept.append((line, *row))
    return kept, rejected


def _judge(text: str, header: Sequence[str]) -> tuple[list[int], str]:  # noqa: PLR0911
    try:
        cells = next(csv.reader([text], skipinitialspace=True))
    except csv.Error as error:
        return [], f"no CSV: {error}"
    if len(cells) != len(header):
        return [], f"wrong number of columns, expected {len(header)} (a cut line?)"
    named = dict(zip(header, cells, strict=True))
    for name in (name for name in header if name in {"user_id", "anime_id", "rating", "watching_status"}):
        pattern = r"[+-]?(\d+\.?\d*(e[+-]?\d+)?|nan|inf)" if name == "rating" else r"[+-]?\d+"
        if not re.fullmatch(pattern, named[name].strip(), re.ASCII):
            return [], "bytes that are no UTF-8" if "\ufffd" in named[name] else f"{name} is no number"
        if name != "rating" and abs(int(named[name])) >= 2**63:
            return [], f"{name} is out of range"
    status = int(named.get("watching_status", "2"))
    ids = [int(named["user_id"]), int(named["anime_id"])]
    if float(named["rating"]) not in range(11):
        return [], RATING
    if status not in {1, 2, 3, 4, 6}:
        return [], "unknown watching_status"
    if min(ids) < 0:
        return [], "negative id"
    return [*ids, int(float(named["rating"])), status], ""
