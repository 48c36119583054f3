"""A buyer out of an HTML page of ours: their row, their story, their care."""

from __future__ import annotations

import base64
import gzip
import json
import re
from html import escape
from typing import Any

from clientcare.forgetting.tables import NotOurs, names_whole
from clientcare.report.page_frame import island

_ISLAND = re.compile(r'(<script type="application/gzip" id="(data|told-\d+)">)(.*?)(</script>)', re.DOTALL)
_ROW = re.compile(r"<tr(?: [^>]*)?>(?:(?!</tr>).)*</tr>", re.DOTALL)
_PLACE = re.compile(r'data-place="(\d+)"')
_ONE_A_BUYER = ("here", "client", "low", "high")
"""Lists of the page's data with an entry a buyer, beside the columns."""


def without_in_page(content: bytes, buyer: str) -> tuple[bytes, int]:
    """The page without a buyer, and how many of its entries went; figures and pictures over all buyers stay.

    Raises
    ------
    NotOurs
    """
    page = content.decode("utf-8")
    islands = {match[2]: _unpacked(match[3]) for match in _ISLAND.finditer(page)}
    if "data" not in islands or "Written by clientcare" not in page:
        raise NotOurs("is no page of ours")
    data = islands["data"]
    ids = next(column["values"] for column in data["columns"] if column["name"] == "buyer_id")
    places = {place for place, one in enumerate(ids) if str(one) == buyer}
    told = [one for number in range(len(islands) - 1) for one in islands[f"told-{number}"]]
    kept = [one for place, one in enumerate(told) if place not in places]
    _shorten(data, places)
    size = max(1, int(data["chunk"]))
    chunks = [kept[start : start + size] for start in range(0, len(kept), size)]

    def shortened(match: re.Match[str]) -> str:
        number = match[2].removeprefix("told-")
        if number == "data":
            return match[1] + island(data) + match[4]
        return match[1] + island(chunks[int(number)]) + match[4] if int(number) < len(chunks) else ""

    cell = f'<td class="id">{_as_in_html(buyer)}</td>'
    rows = [match[0] for match in _ROW.finditer(page) if cell in match[0]]
    if not places and not rows:
        return content, 0
    page = _ISLAND.sub(shortened, page)
    for row in rows:
        page = page.replace(row, "")
    page = _PLACE.sub(lambda match: f'data-place="{_moved(int(match[1]), places)}"', page)
    return page.encode("utf-8"), len(places) + len(rows)


def names_in_page(content: bytes, buyer: str) -> bool:
    """Whether a page still names a buyer, escaped or not."""
    page = content.decode("utf-8", "replace")
    texts = [_ISLAND.sub("", page), *(json.dumps(_unpacked(match[3])) for match in _ISLAND.finditer(page))]
    spellings = {buyer, _as_in_html(buyer), json.dumps(buyer)[1:-1]}
    return any(names_whole(text, one) for text in texts for one in spellings)


def _shorten(data: dict[str, Any], places: set[int]) -> None:
    """Take rows out of every list that has one entry a buyer; texts that nobody has any more go with them."""
    lists = [(column, "values") for column in data["columns"]] + [(data, name) for name in _ONE_A_BUYER]
    for holder, name in lists:
        holder[name] = [one for place, one in enumerate(holder[name]) if place not in places]
    for column in data["columns"]:
        if "levels" in column:
            used = sorted(set(column["values"]))
            new = {old: place for place, old in enumerate(used)}
            column["levels"] = [column["levels"][old] for old in used]
            column["values"] = [new[old] for old in column["values"]]
    data["n"] -= len(places)


def _unpacked(packed: str) -> Any:
    """What the page's script reads."""
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def _moved(place: int, gone: set[int]) -> int:
    """The place of a buyer among those who are left."""
    return place - sum(one < place for one in gone)


def _as_in_html(text: str) -> str:
    return escape(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")
