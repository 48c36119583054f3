"""A buyer out of an HTML page of ours: their row, their story, their care."""

from __future__ import annotations

import json
import re
from html import escape
from typing import Any

from clientcare.forgetting.tables import NotOurs, names_whole

_ISLAND = re.compile(r'(<script type="application/json" id="(data|told-\d+)">)(.*?)(</script>)', re.DOTALL)
_ROW = re.compile(r"<tr>(?:(?!</tr>).)*</tr>", re.DOTALL)


def without_in_page(content: bytes, buyer: str) -> tuple[bytes, int]:
    """The page without a buyer, and how many of its entries went; figures and pictures over all buyers stay.

    Raises
    ------
    NotOurs
    """
    page = content.decode("utf-8")
    islands = {match[2]: json.loads(match[3]) for match in _ISLAND.finditer(page)}
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

    def island(match: re.Match[str]) -> str:
        number = match[2].removeprefix("told-")
        if number == "data":
            return match[1] + _text(data) + match[4]
        return match[1] + _text(chunks[int(number)]) + match[4] if int(number) < len(chunks) else ""

    cell = f'<td class="id">{_as_in_html(buyer)}</td>'
    rows = [match[0] for match in _ROW.finditer(page) if cell in match[0]]
    if not places and not rows:
        return content, 0
    page = _ISLAND.sub(island, page)
    for row in rows:
        page = page.replace(row, "")
    return page.encode("utf-8"), len(places) + len(rows)


def names_in_page(content: bytes, buyer: str) -> bool:
    """Whether a page still names a buyer, escaped or not."""
    page = content.decode("utf-8", "replace")
    return any(names_whole(page, one) for one in {buyer, _as_in_html(buyer), _text(buyer)[1:-1]})


def _shorten(data: dict[str, Any], places: set[int]) -> None:
    """Take rows out of every list that has one entry a buyer; texts that nobody has any more go with them."""
    lists = [(column, "values") for column in data["columns"]] + [(data, "low"), (data, "high")]
    for holder, name in lists:
        holder[name] = [one for place, one in enumerate(holder[name]) if place not in places]
    for column in data["columns"]:
        if "levels" in column:
            used = sorted(set(column["values"]))
            new = {old: place for place, old in enumerate(used)}
            column["levels"] = [column["levels"][old] for old in used]
            column["values"] = [new[old] for old in column["values"]]
    data["n"] -= len(places)


def _text(value: Any) -> str:
    """As the page writes its data: no character that could end the script."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def _as_in_html(text: str) -> str:
    return escape(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")
