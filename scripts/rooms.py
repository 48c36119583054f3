#!/usr/bin/env python3
"""Count the rooms of the package, and the arrows between them: who imports whom, and whether any arrow points up.

Run from the checkout: ``python scripts/rooms.py`` for the whole, ``python scripts/rooms.py model`` for the inside of a
room. The floors are those of ``docs/architecture.md``.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "src" / "clientcare"

FLOORS: tuple[tuple[str, ...], ...] = (
    ("exceptions",),
    ("places",),
    ("arguments", "window", "progress", "durable"),
    ("facts",),
    ("history",),
    ("features", "outcomes", "btyd"),
    ("book",),
    ("model",),
    ("evaluation", "effect", "money"),
    ("care",),
    ("scoring", "datasets"),
    ("report",),
    ("forgetting",),
    ("spark",),
    ("cli",),
    ("__main__",),
)
"""From the ground up; a room may import what lies below it, never what lies on its own floor or above."""

Arrows = dict[tuple[str, str], int]


def floor_of(room: str) -> int:
    """How high a room lies; the ground is 0."""
    return next(height for height, rooms in enumerate(FLOORS) if room in rooms)


def module_of(file: Path) -> str:
    """The name of a file's module below the package: ``model.members.trees``."""
    parts = list(file.relative_to(SOURCE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(file: Path) -> list[str]:
    """The modules of the package that a file imports when it runs, below the package's name."""
    found = []
    for node in _running(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "clientcare":
            inside = node.module.removeprefix("clientcare").lstrip(".")
            found += [f"{inside}.{name.name}".lstrip(".") for name in node.names]
        elif isinstance(node, ast.Import):
            found += [
                name.name.removeprefix("clientcare.")
                for name in node.names
                if name.name.startswith("clientcare.")
            ]
    return found


def _running(tree: ast.AST) -> list[ast.AST]:
    """All nodes except those that only a type checker reads."""
    nodes: list[ast.AST] = []
    for child in ast.iter_child_nodes(tree):
        if (
            isinstance(child, ast.If)
            and isinstance(child.test, ast.Name)
            and child.test.id == "TYPE_CHECKING"
        ):
            continue
        nodes += [child, *_running(child)]
    return nodes


def arrows(inside: str = "") -> Arrows:
    """How many imports lead from one child of a room to another; of the whole package without a name."""
    prefix = inside.split(".") if inside else []
    counted: Arrows = {}
    for file in sorted((SOURCE / "/".join(prefix)).rglob("*.py")):
        here = module_of(file).split(".")
        if here == [""] or len(here) <= len(prefix):
            continue
        for target in imported(file):
            there = target.split(".")
            if there[: len(prefix)] != prefix or len(there) <= len(prefix):
                continue
            arrow = here[len(prefix)], there[len(prefix)]
            if arrow[0] != arrow[1] and _is_room(prefix, arrow[1]):
                counted[arrow] = counted.get(arrow, 0) + 1
    return counted


def _is_room(prefix: list[str], name: str) -> bool:
    place = SOURCE / "/".join(prefix) / name
    return place.is_dir() or place.with_suffix(".py").exists()


def upward(counted: Arrows) -> list[tuple[str, str]]:
    """Arrows of the whole package that do not lead down."""
    return [arrow for arrow in counted if floor_of(arrow[0]) <= floor_of(arrow[1])]


def circles(counted: Arrows) -> list[set[str]]:
    """Rooms that reach each other both ways."""
    reach = {room: {b for a, b in counted if a == room} for room in {r for arrow in counted for r in arrow}}
    for middle in reach:
        for room in reach:
            if middle in reach[room]:
                reach[room] |= reach[middle]
    found = {frozenset(o for o in reach[room] if room in reach[o]) for room in reach if room in reach[room]}
    return [set(circle) for circle in sorted(found, key=sorted)]


def main(inside: str = "") -> None:
    """Print the count of one room, or of the whole."""
    counted = arrows(inside)
    children = sorted({room for arrow in counted for room in arrow})
    print(
        f"{inside or 'clientcare'}: {len(children)} rooms, {len(counted)} arrows, {len(circles(counted))} circles"
    )
    if not inside:
        print(f"floors {len(FLOORS)}, arrows that do not lead down: {upward(counted) or 0}")
    for (here, there), number in sorted(counted.items()):
        print(f"  {here} -> {there}  {number}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
