#!/usr/bin/env python3
"""What becomes of each kind of place that a verb may be told to write to: refused or written, and nothing else touched.

``python scripts/output_places.py`` tries every kind with every writing verb in a folder of its own and writes
``docs/reference/output-places.md``. ``tests/cli/test_output_kinds.py`` tries them again.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import socket
import stat
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "output-places.md"
NOT_ASKED = "–"


class Box:
    """A folder with the inputs of every verb, and the one that the verb at hand reads."""

    def __init__(self, folder: Path, stock: Path, reads: str) -> None:
        self.folder = folder
        for one in stock.iterdir():
            shutil.copy(one, folder / one.name)
        self.inputs = {
            "transactions": folder / "t.csv",
            "book": folder / "b.csv",
            "arms": folder / "a.csv",
            "model": folder / "m.clientcare",
            "config": folder / "own.toml",
        }
        self.reads = reads

    @property
    def input(self) -> Path:
        """What the verb at hand reads."""
        return self.inputs[self.reads]

    def move_input(self, place: Path) -> Path:
        """Let the input lie at the place that will be written."""
        place.parent.mkdir(exist_ok=True)
        os.replace(self.input, place)
        self.inputs[self.reads] = place
        return place

    def move_model(self, place: Path) -> None:
        """Let the model of the run lie there."""
        os.replace(self.inputs["model"], place)
        self.inputs["model"] = place


def make_stock(folder: Path) -> Path:
    """A small shop, its model, book and arms."""
    import clientcare as cc

    rng = np.random.default_rng(0)
    n = 400
    table = pd.DataFrame(
        {
            "buyer_id": [f"K{i:02d}" for i in rng.integers(0, 40, n)],
            "timestamp": pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 700, n), unit="D"),
            "amount": 5.0 + rng.random(n).round(2),
        }
    )
    table.to_csv(folder / "t.csv", index=False)
    histories = cc.Histories(table)
    model = cc.RelationshipModel(effort="quick").fit(histories)
    model.save(folder / "m.clientcare")
    book = model.score(histories)
    book.to_csv(folder / "b.csv")
    arms = ["care" if place % 2 else "hold_out" for place in range(len(book))]
    pd.DataFrame({"buyer_id": book.index, "arm": arms}).to_csv(folder / "a.csv", index=False)
    (folder / "own.toml").write_text("timezone = 'UTC'\n")
    return folder


def _words(*words: str) -> Callable[[Box, str], list[str]]:
    """The words of a verb; ``{t}``, ``{b}``, ``{m}`` and ``{p}`` are the tables, the book, the model and the place."""

    def made(box: Box, place: str) -> list[str]:
        names = {"{t}": "transactions", "{b}": "book", "{m}": "model"}
        known = {sign: str(box.inputs[name]) for sign, name in names.items()}
        known |= {"{p}": place, "{f}": os.path.dirname(place) or ".", "{a}": f"transactions={place}"}
        return [known.get(word, word) for word in words]

    return made


_TABLES, _MODEL, _OUT = ("--transactions", "{t}"), ("--model", "{m}"), ("--out", "{p}")
_QUICK = ("--effort", "quick", "--horizon", "60D")
VERBS: dict[str, tuple[str, str, str, Callable[[Box, str], list[str]]]] = {
    "init": ("x.toml", "transactions", "file", _words("init", "{t}", "--force", *_OUT)),
    "check --out": ("x.csv", "transactions", "table", _words("check", *_TABLES, *_OUT)),
    "check --set-aside": ("x.csv", "transactions", "table", _words("check", *_TABLES, "--set-aside", "{a}")),
    "features": ("x.csv", "transactions", "table", _words("features", *_TABLES, *_OUT)),
    "fit": ("x.clientcare", "transactions", "file", _words("fit", *_TABLES, *_QUICK, "--model", "{p}")),
    "backtest": (
        "x.csv", "transactions", "table", _words("backtest", *_TABLES, *_QUICK, "--as-of", "2023-06-01", *_OUT),
    ),
    "score": ("x.csv", "transactions", "table", _words("score", *_TABLES, *_MODEL, *_OUT)),
    "score --in-parts": (
        "x.csv", "transactions", "table",
        _words("score", "--in-parts", "--as-of", "2023-11-01", *_TABLES, *_MODEL, *_OUT),
    ),
    "care": ("x.csv", "transactions", "table", _words("care", *_TABLES, *_MODEL, *_OUT)),
    "revenue": ("x.csv", "transactions", "table", _words("revenue", *_TABLES, *_OUT)),
    "report": ("x.html", "transactions", "file", _words("report", *_TABLES, *_MODEL, *_OUT)),
    "holdout": ("x.csv", "book", "table", _words("holdout", "{b}", *_OUT)),
    "demo": ("book.csv", "transactions", "folder", _words("demo", *_TABLES, "--horizon", "60D", "--out", "{f}")),
    "simulate": (
        "buyers.csv", "", "folder", _words("simulate", "--n-buyers", "30", "--form", "csv", "--out", "{f}"),
    ),
}  # fmt: skip
"""Of each verb: the name of its file, what it reads, what it writes, and its words."""

Make = Callable[[Path, Box], "str | None"]


def _there(content: str = "old") -> Make:
    def make(place: Path, box: Box) -> str:
        place.write_text(content)
        return str(place)

    return make


def _named(name: str) -> Make:
    """Another name of the same ending."""
    return lambda place, box: str(place.with_name(name + place.suffix))


def _link_to(target: Callable[[Path, Box], Path | str]) -> Make:
    def make(place: Path, box: Box) -> str:
        place.symlink_to(target(place, box))
        return str(place)

    return make


def _made(path: Path, folder: bool = False) -> Path:
    path.mkdir(exist_ok=True) if folder else path.write_text("a stranger's")
    return path


def _pipe(place: Path, box: Box) -> str:
    os.mkfifo(place)
    return str(place)


def _socket(place: Path, box: Box) -> str:
    here = os.getcwd()
    os.chdir(place.parent)  # names of sockets may be a hundred bytes long
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(place.name)
    finally:
        os.chdir(here)
    return str(place)


def _folder(filled: bool) -> Make:
    def make(place: Path, box: Box) -> str:
        place.mkdir()
        if filled:
            _made(place / "keep.txt")
        return str(place)

    return make


def _device(place: Path, box: Box) -> str | None:
    try:
        os.mknod(place, stat.S_IFCHR | 0o600, os.makedev(1, 3))
    except OSError:
        return None
    return str(place)


def _is_input(spelled: Callable[[Path], str]) -> Make:
    def make(place: Path, box: Box) -> str | None:
        return spelled(box.move_input(place)) if box.reads else None

    return make


def _hard_link(name: str) -> Make:
    def make(place: Path, box: Box) -> str | None:
        source = box.inputs[name] if name != "input" else box.input if box.reads else None
        if source is None:
            return None
        os.link(source, place)
        return str(place)

    return make


def _by_linked_folder(place: Path, box: Box) -> str:
    real = _made(box.folder / "real", folder=True)
    (box.folder / "linked").symlink_to(real)
    return str(box.folder / "linked" / place.name)


def _input_by_linked_folder(place: Path, box: Box) -> str | None:
    if not box.reads:
        return None
    box.move_input(_made(box.folder / "real", folder=True) / place.name)
    (box.folder / "linked").symlink_to(box.folder / "real")
    return str(box.folder / "linked" / place.name)


def _relative(place: Path, box: Box) -> str:
    return os.path.relpath(place)


def _in_words(change: Callable[[Path], str]) -> Make:
    return lambda place, box: change(place)


def _of_another(name: str, spelled: Callable[[Path], str] = str) -> Make:
    """The model or config of the same run, where the verb reads one."""
    return lambda place, box: spelled(box.inputs[name])


def _outlook(place: Path) -> Path:
    return place.with_suffix(".outlook.json")


def _manifest(place: Path) -> Path:
    return place.with_name(f"{place.name}.manifest.json")


_OURS: dict[str, dict[str, object]] = {
    "_outlook": {"as_of": "2024-01-01", "horizon_days": 60, "n_buyers": 1, "figures": {}},
    "_manifest": {"format": "clientcare book", "job": "", "n_buyers": 1, "parts": []},
}


def _beside(companion: Callable[[Path], Path], make: Callable[[Path, Box], object]) -> Make:
    """Something stands where the companion of a file goes; the file itself has a new name."""

    def made(place: Path, box: Box) -> str:
        make(companion(place), box)
        return str(place)

    return made


def _as_ours(companion: Callable[[Path], Path], place: Path, box: Box) -> None:
    """A table whose file has the entries of a companion too."""
    columns = pd.read_csv(box.input).to_dict("list")
    n_rows = len(next(iter(columns.values())))
    ours = {name: [None] * n_rows for name in _OURS[companion.__name__]}
    place.write_text(json.dumps({**columns, **ours}, default=str))
    box.inputs[box.reads] = place


def _kinds_beside(told: str, companion: Callable[[Path], Path]) -> dict[str, Make]:
    """What may stand where a small file is written beside the one that a verb is told to write."""
    ours = json.dumps(_OURS[companion.__name__])
    kinds: dict[str, Callable[[Path, Box], object]] = {
        "a file of ours": lambda b, box: b.write_text(ours),
        "a stranger's file": lambda b, box: _made(b),
        "a stranger's JSON": lambda b, box: b.write_text('{"as_of": "2024-01-01"}'),
        "an empty file": lambda b, box: b.touch(),
        "an input": lambda b, box: box.move_input(b),
        "an input of the form of ours": lambda b, box: _as_ours(companion, b, box),
        "a hard link to an input": lambda b, box: os.link(box.input, b),
        "the model": lambda b, box: box.move_model(b),
        "a folder": lambda b, box: b.mkdir(),
        "a pipe": _pipe,
        "a link to a file": lambda b, box: b.symlink_to(_made(box.folder / "other")),
        "a link that leads nowhere": lambda b, box: b.symlink_to("nowhere"),
    }
    return {f"beside it, {told}: {kind}": _beside(companion, make) for kind, make in kinds.items()}


KINDS: dict[str, Make] = {
    "a new name": _in_words(str),
    "a relative name": _relative,
    "a name through `.`": _in_words(lambda p: f"{p.parent}/./{p.name}"),
    "a name through `..`": _in_words(lambda p: f"{_made(p.parent / 'sub', True)}/../{p.name}"),
    "two slashes": _in_words(lambda p: f"{p.parent}//{p.name}"),
    "a slash at the end": _in_words(lambda p: f"{p}/"),
    "in a folder that is a link": _by_linked_folder,
    "in a folder that is not there": _in_words(lambda p: str(p.parent / "new" / p.name)),
    "blanks in the name": _named("two words"),
    "letters of other scripts": _named("книга-顧客-é"),
    "an emoji": _named("\U0001f4d6"),
    "a name that begins with a dash": _named("-rf"),
    "quotes in the name": _named("a'b\"c"),
    "a line break in the name": _named("a\nb"),
    "what a shell would run": _named("$(touch canary);`touch canary`"),
    "wild cards in the name": _named("a*b[c]?"),
    "200 letters": _named("n" * 200),
    "250 letters": _named("n" * 250),
    "300 letters": _named("n" * 300),
    "a path of 5,000 letters": _in_words(lambda p: str(p.parent) + "/d" * 2500 + "/" + p.name),
    "NUL in the name": _named("a\0b"),
    "a lone surrogate in the name": _named("a\udc80b"),
    "a regular file": _there(),
    "an empty file": _there(""),
    "a file that may only be read": lambda p, box: (p.write_text("old"), p.chmod(0o444), str(p))[2],
    "a file of somebody with two names": lambda p, box: (os.link(_made(box.folder / "other"), p), str(p))[1],
    "the ending in capitals": _in_words(lambda p: str(p.with_suffix(p.suffix.upper()))),
    "another ending": _in_words(lambda p: str(p.with_suffix(".txt"))),
    "no ending": _in_words(lambda p: str(p.with_suffix(""))),
    "nothing but an ending": _in_words(lambda p: str(p.with_name(p.suffix))),
    "the folder one stands in": _in_words(lambda p: "."),
    "the folder above": _in_words(lambda p: ".."),
    "the root": _in_words(lambda p: "/"),
    "an empty folder": _folder(False),
    "a folder of somebody": _folder(True),
    "below a file": _in_words(lambda p: str(_made(p.parent / "plain") / p.name)),
    "below a pipe": lambda p, box: f"{_pipe(p.parent / 'pipe', box)}/{p.name}",
    "below a link that leads nowhere": lambda p, box: (
        (p.parent / "gone").symlink_to("nowhere"), str(p.parent / "gone" / p.name),
    )[1],
    "a pipe": _pipe,
    "a socket": _socket,
    "a device": _device,
    "/dev/null": _link_to(lambda p, box: "/dev/null"),
    "/dev/full": _link_to(lambda p, box: "/dev/full"),
    "/dev/stdout": _link_to(lambda p, box: "/dev/stdout"),
    "/dev/fd/1": _link_to(lambda p, box: "/dev/fd/1"),
    "/proc/self/mem": _link_to(lambda p, box: "/proc/self/mem"),
    "a link to a file": _link_to(lambda p, box: _made(box.folder / "other")),
    "a link to a folder": _link_to(lambda p, box: _made(box.folder / "others", True)),
    "a link that leads nowhere": _link_to(lambda p, box: "nowhere"),
    "a link to itself": _link_to(lambda p, box: p.name),
    "a link to a pipe": _link_to(lambda p, box: _pipe(box.folder / "pipe", box)),
    "an input": _is_input(str),
    "an input, relative": _is_input(os.path.relpath),
    "an input through `.`": _is_input(lambda p: f"{p.parent}/./{p.name}"),
    "an input through `..`": _is_input(lambda p: f"{_made(p.parent / 'sub', True)}/../{p.name}"),
    "an input, two slashes": _is_input(lambda p: f"{p.parent}//{p.name}"),
    "an input in a folder that is a link": _input_by_linked_folder,
    "a hard link to an input": _hard_link("input"),
    "a link to an input": _link_to(lambda p, box: box.input if box.reads else "nowhere"),
    "a link to a link to an input": _link_to(
        lambda p, box: ((box.folder / "l").symlink_to(box.input if box.reads else "nowhere"), box.folder / "l")[1]
    ),
    "the folder of an input": lambda p, box: str(box.folder),
    "the model of the run": _of_another("model"),
    "a hard link to the model": _hard_link("model"),
    "`clientcare.toml` that is read by itself": lambda p, box: str(_own_config(box)),
    **_kinds_beside("the outlook", _outlook),
    **_kinds_beside("the manifest", _manifest),
}  # fmt: skip


def _own_config(box: Box) -> Path:
    (box.folder / "clientcare.toml").write_text("timezone = 'UTC'\n")
    return box.folder / "clientcare.toml"


def picture_of(folder: Path) -> dict[str, tuple[object, ...]]:
    """Everything below a folder: kind, and content or target."""
    found: dict[str, tuple[object, ...]] = {}
    for at, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = Path(at) / name
            about = os.lstat(path)
            kind = stat.S_IFMT(about.st_mode)
            said: object = None
            if stat.S_ISREG(about.st_mode):
                said = hashlib.sha256(path.read_bytes()).hexdigest()
            elif stat.S_ISLNK(about.st_mode):
                said = os.readlink(path)
            found[os.path.relpath(path, folder)] = (kind, said)
    return found


def tried(kind: str, verb: str, stock: Path) -> tuple[str, list[str]]:
    """What a verb says of a place, and what it touched but should not have.

    Returns
    -------
    outcome : str
        ``refused``, ``written``, or why neither.
    touched : list of str
    """
    from clientcare.cli.program import main

    name, reads, form, words = VERBS[verb]
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "above").mkdir()
        box = Box(_made(Path(scratch).resolve() / "above" / "here", folder=True), stock, reads)
        where = box.folder / "out" if form == "folder" else box.folder
        where.mkdir(exist_ok=True)
        place = KINDS[kind](where / name, box) if _applies(kind, verb, form) else None
        if place is None:
            return NOT_ASKED, []
        before, here, said = picture_of(box.folder), os.getcwd(), io.StringIO()
        os.chdir(where)
        if kind in ("a relative name", "an input, relative"):
            place = os.path.relpath(os.path.join(here, place))
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    code = main(words(box, place))
        finally:
            os.chdir(here)
        after = picture_of(box.folder)
        changed = {one for one in {*before, *after} if before.get(one) != after.get(one)}
        if code == 0 and changed:
            return "written", sorted(changed - _allowed(place, where, box.folder, form, verb))
        return ("refused" if code == 2 else f"exit {code}: {said.getvalue()}"), sorted(changed)


def _applies(kind: str, verb: str, form: str) -> bool:
    """Whether a kind makes a difference to a verb: folders take other names, and not all read a model."""
    if form == "folder" and (kind in _OF_NAMES or kind.startswith("in a folder") or "folder" in kind):
        return False
    if "model" in kind and not kind.startswith("beside"):
        return verb in ("score", "score --in-parts", "care", "report")
    if kind.startswith("`clientcare.toml`"):
        return form != "folder" and verb not in ("holdout", "init")
    if kind.startswith("beside it, the outlook"):
        return verb in ("score", "score --in-parts")
    if kind.startswith("beside it, the manifest"):
        return verb == "score --in-parts"
    return True


_OF_NAMES = set(list(KINDS)[1:6]) | set(list(KINDS)[8:22]) | {
    "the ending in capitals", "another ending", "no ending", "nothing but an ending", "the root",
    "below a file", "below a pipe", "below a link that leads nowhere",
    "an input, relative", "an input through `.`", "an input through `..`", "an input, two slashes",
}  # fmt: skip


def _allowed(place: str, where: Path, folder: Path, form: str, verb: str) -> set[str]:
    """What may change where something was written."""
    if form == "folder":
        return {os.path.relpath(one, folder) for one in where.rglob("*")}
    target = Path(os.path.join(where, place)).resolve()
    companions = [_outlook(target)] if verb.startswith("score") else []
    companions += [_manifest(target)] if verb == "score --in-parts" else []
    allowed = {os.path.relpath(one, folder) for one in (target, *companions)}
    allowed |= {os.path.relpath(one, folder) for one in target.parents if folder in one.parents}
    if target.is_dir():
        allowed |= {os.path.relpath(one, folder) for one in target.rglob("*")}
    return allowed


def table(stock: Path) -> tuple[pd.DataFrame, list[str]]:
    """Every kind with every verb, and what went wrong."""
    rows, wrong = {}, []
    for kind in KINDS:
        row = {}
        for verb in VERBS:
            outcome, touched = tried(kind, verb, stock)
            row[verb] = outcome
            if touched or outcome not in ("refused", "written", NOT_ASKED):
                wrong.append(f"{kind} x {verb}: {outcome} {touched}")
        rows[kind] = row
        print(kind, row, file=sys.stderr, flush=True)
    return pd.DataFrame.from_dict(rows, orient="index"), wrong


def page_of(found: pd.DataFrame) -> str:
    """The page of the docs."""
    signs = {"refused": "refused", "written": "**written**"}
    head = "| what stands there | " + " | ".join(f"`{verb}`" for verb in found.columns) + " |"
    lines = [
        "# Places to write to",
        "",
        "What becomes of each kind of place that a verb may be told to write to. Refused: exit code 2, one message and",
        "nothing touched. Written: that file (or folder of ours) and nothing else changed. `python",
        "scripts/output_places.py` tries them all and writes this page; – where a kind makes no difference to a verb.",
        "",
        "`score` writes two small files beside a book: `NAME.outlook.json`, what the book as a whole says, and with",
        "`--in-parts` to CSV `NAME.csv.manifest.json`. Their places are looked at with that of the book, before anything is",
        "read: a new name, or one of ours.",
        "",
        head,
        "|" + "---|" * (len(found.columns) + 1),
    ]
    for kind, row in found.iterrows():
        lines.append(f"| {kind} | " + " | ".join(signs.get(one, one) for one in row) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as stocked:
        made, mistakes = table(make_stock(Path(stocked)))
    PAGE.write_text(page_of(made), encoding="utf-8")
    print("\n".join(mistakes) or f"{made.size} places tried, none wrong")
    sys.exit(bool(mistakes))
