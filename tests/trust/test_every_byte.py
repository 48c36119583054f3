"""Writes that fail at a byte, at every byte count: an error at once, the old output intact, the next start clean."""

from __future__ import annotations

import contextlib
import io
import os
import resource
import signal
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import clientcare as cc
from clientcare.cli import main
from clientcare.cli.output import write_table
from clientcare.durable import only_writer, replacing
from clientcare.exceptions import ClientcareError, SourceError
from clientcare.model.store.file import read_model_file, write_model_file
from clientcare.scoring import read_book, score_dataset

FULL = os.environ.get("CLIENTCARE_TESTS") == "full"
REFUSED, DONE, RAW, HANGS = 7, 0, 8, 9
SECONDS = 2.0
BOOK = pd.DataFrame(
    {"churn_risk": np.linspace(0, 1, 12), "reason_1": ["silent"] * 12},
    index=pd.Index([f"K{i}" for i in range(12)], name="buyer_id"),
)


def under_limit(n_bytes: int, work: Callable[[], object], seconds: float = SECONDS) -> int:
    """Run in a child whose files cannot grow beyond a size: how it ended."""
    child = os.fork()
    if child == 0:
        with open(os.devnull, "w") as nothing, contextlib.suppress(BaseException):
            os.dup2(nothing.fileno(), 1)
            os.dup2(nothing.fileno(), 2)
        sys.stdout = sys.stderr = io.StringIO()
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))
        code = RAW
        with contextlib.suppress(BaseException):
            try:
                code = work() or DONE
                code = REFUSED if code == 2 else code if isinstance(code, int) else DONE
            except ClientcareError:
                code = REFUSED
        os._exit(code)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return HANGS


def _page(path: Path) -> None:
    from clientcare.report.page import _write

    _write(path, "<!doctype html>" + "<p>one</p>" * 40)


WRITERS: dict[str, tuple[str, Callable[[Path], object], Callable[[Path], object]]] = {
    "csv": ("b.csv", lambda path: write_table(BOOK, str(path)), lambda path: pd.read_csv(path)),
    "parquet": ("b.parquet", lambda path: write_table(BOOK, str(path)), lambda path: pd.read_parquet(path)),
    "model": (
        "m.clientcare",
        lambda path: write_model_file(path, {"a": np.arange(9.0)}, {"b": 1}),
        read_model_file,
    ),
    "page": ("p.html", _page, lambda path: path.read_bytes()),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_write_that_fails_at_any_byte_leaves_the_old_file(name: str, tmp_path: Path) -> None:
    file, write, read = WRITERS[name]
    target = tmp_path / file
    write(target)
    size = target.stat().st_size
    target.write_bytes(b"old")
    for n_bytes in (*range(0, size, 1 if FULL else 1 + size // 40), size - 1):
        assert under_limit(n_bytes, lambda: write(target)) == REFUSED, n_bytes
        assert target.read_bytes() == b"old"
        assert [one.name for one in tmp_path.iterdir()] == [file]
    assert under_limit(size, lambda: write(target)) == DONE
    read(target)


def test_a_lock_that_cannot_be_written_is_an_error_and_gone(tmp_path: Path) -> None:
    def hold() -> None:
        with only_writer(tmp_path / ".lock", "book"):
            pass

    for n_bytes in range(len(str(os.getpid()))):
        assert under_limit(n_bytes, hold) == REFUSED
        assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
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
    model = cc.RelationshipModel(effort="quick").fit(cc.Histories(table))
    model.save(folder / "m.clientcare")
    return folder


def _words(verb: str, shop: Path, out: Path) -> list[str]:
    tables = ["--transactions", str(shop / "t.csv")]
    model = ["--model", str(shop / "m.clientcare")]
    return {
        "init": ["init", str(shop / "t.csv"), "--force", "--out", str(out)],
        "check": ["check", *tables, "--out", str(out)],
        "features": ["features", *tables, "--out", str(out)],
        "fit": ["fit", *tables, "--effort", "quick", "--horizon", "60D", "--model", str(out)],
        "backtest": ["backtest", *tables, "--effort", "quick", "--horizon", "60D", "--as-of", "2023-06-01", "--out", str(out)],
        "score": ["score", *tables, *model, "--out", str(out)],
        "score --in-parts": ["score", "--in-parts", "--as-of", "2023-11-01", *tables, *model, "--out", str(out)],
        "care": ["care", *tables, *model, "--out", str(out)],
        "revenue": ["revenue", *tables, "--out", str(out)],
        "report": ["report", *tables, *model, "--out", str(out)],
    }[verb]  # fmt: skip


ENDINGS = {"init": ".toml", "fit": ".clientcare", "report": ".html"}
VERBS = (
    "init",
    "check",
    "features",
    "fit",
    "backtest",
    "score",
    "score --in-parts",
    "care",
    "revenue",
    "report",
)


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_on_a_full_disk_ends_and_leaves_the_old_output(verb: str, shop: Path, tmp_path: Path) -> None:
    if verb == "report":
        pytest.importorskip("jinja2")
        pytest.importorskip("matplotlib")
    out = tmp_path / f"x{ENDINGS.get(verb, '.csv')}"
    words = _words(verb, shop, out)

    def run() -> int:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return main(words)

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        started = time.monotonic()
        assert run() == 0
        usual = time.monotonic() - started
    size, there = out.stat().st_size, sorted(one.name for one in tmp_path.iterdir())
    out.write_bytes(b"old")
    counts = sorted({0, 1, 13, size // 2, size - 1, *(range(0, size, max(1, size // 200)) if FULL else ())})
    for n_bytes in counts:
        assert under_limit(n_bytes, run, 4 * usual + 10 * SECONDS) == REFUSED, n_bytes
        assert out.read_bytes() == b"old"
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        assert run() == 0
    assert sorted(one.name for one in tmp_path.iterdir()) == there
    assert out.stat().st_size >= size - 16


@pytest.mark.parametrize("ending", ["", ".parquet", ".csv"])
def test_a_batch_job_on_a_full_disk_leaves_the_old_book_and_starts_clean(
    ending: str, shop: Path, tmp_path: Path
) -> None:
    model = cc.load_model(shop / "m.clientcare")
    out = tmp_path / f"book{ending}"

    def job(as_of: str) -> None:
        score_dataset(model, transactions=str(shop / "t.csv"), as_of=as_of, out=out, n_partitions=2)

    job("2023-10-01")
    old = read_book(out)
    largest = max(one.stat().st_size for one in [out, *out.rglob("*")] if one.is_file())
    counts = range(0, largest, max(1, largest // (300 if FULL else 8)))
    for n_bytes in counts:
        ended = under_limit(n_bytes, lambda: job("2023-11-01"), 20.0)
        if ended == DONE and n_bytes > 0.9 * largest:
            break  # a later book may be a few bytes shorter
        assert ended == REFUSED, n_bytes
        pd.testing.assert_frame_equal(read_book(out), old)
    job("2023-11-01")
    left = [one.name for one in tmp_path.iterdir()]
    assert sorted(left) == sorted([out.name, *([f"{out.name}.manifest.json"] if ending == ".csv" else [])])


def test_a_standard_output_without_room_is_told_and_no_fault_of_ours(shop: Path, tmp_path: Path) -> None:
    def run() -> int:
        sys.stdout = (tmp_path / "printed").open("w")
        return main(["check", "--transactions", str(shop / "t.csv")])

    assert under_limit(100, run, 20.0) == REFUSED


def test_the_old_file_stays_where_the_disk_is_full_on_closing(tmp_path: Path) -> None:
    target = tmp_path / "x"
    target.write_bytes(b"old")

    def write() -> None:
        with replacing(target) as file:
            file.write(b"x" * 100)  # stays in the buffer until it is flushed

    assert under_limit(50, write) == REFUSED
    assert target.read_bytes() == b"old"
    with pytest.raises(SourceError, match="unchanged"), replacing(target) as file:
        raise OSError(28, "No space left on device")
    assert file.closed
