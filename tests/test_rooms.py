"""Imports run downward only: no arrow up, no circle, and the rooms that are drawn are the rooms there are."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
spec = importlib.util.spec_from_file_location("rooms", ROOT / "scripts" / "rooms.py")
assert spec is not None
assert spec.loader is not None
rooms = importlib.util.module_from_spec(spec)
spec.loader.exec_module(rooms)


def test_imports_of_the_whole_package_lead_down() -> None:
    counted = rooms.arrows()
    assert rooms.upward(counted) == []
    assert rooms.circles(counted) == []


def test_every_room_has_a_floor() -> None:
    there = {
        path.stem for path in rooms.SOURCE.iterdir() if path.stem != "__init__" and path.suffix in ("", ".py")
    }
    assert there - {"__pycache__", "py"} == {room for floor in rooms.FLOORS for room in floor}


def test_an_arrow_up_is_found() -> None:
    assert rooms.upward({("facts", "model"): 1, ("model", "facts"): 3}) == [("facts", "model")]
    assert rooms.circles({("a", "b"): 1, ("b", "c"): 1, ("c", "a"): 1}) == [{"a", "b", "c"}]


def test_the_architecture_page_names_every_room() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    drawn = set(re.findall(r"\w+", page))
    assert not [room for floor in rooms.FLOORS for room in floor if room not in {*drawn, "__main__", "spark"}]


def test_the_model_room_is_small_enough_to_be_understood() -> None:
    inside = rooms.arrows("model")
    children = {
        path.stem
        for path in (rooms.SOURCE / "model").iterdir()
        if path.stem != "__init__" and path.suffix in ("", ".py")
    } - {"__pycache__"}
    assert len(children) <= 12
    assert len(inside) <= 25
    assert rooms.circles(inside) == []


def test_no_module_of_the_model_is_longer_than_four_hundred_lines() -> None:
    lines = {
        str(path.relative_to(rooms.SOURCE)): len(path.read_text("utf-8").splitlines())
        for path in (rooms.SOURCE / "model").rglob("*.py")
    }
    assert {name: n for name, n in lines.items() if n > 400} == {}
