"""A job that dies at any moment leaves the old output or the new one, and goes on where it stopped."""

import errno
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from crash_worker import CountingModel, orders

from clientcare.durable import faults
from clientcare.exceptions import OutputLockedError, SourceError
from clientcare.scoring import read_book, score_dataset
from clientcare.scoring.publish import open_job

FULL = os.environ.get("CLIENTCARE_TESTS") == "full"
FORMS = ["book", "book.parquet", "book.csv"]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and fork are not there on Windows")


@pytest.fixture(scope="module")
def worker():
    """Runs jobs in children that may die."""
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("crash_worker.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def run(*jobs):
        process.stdin.write(
            json.dumps(
                [{key: str(v) if isinstance(v, Path) else v for key, v in job.items()} for job in jobs]
            )
            + "\n"
        )
        process.stdin.flush()
        fates = json.loads(process.stdout.readline())
        return fates if len(fates) > 1 else fates[0]

    yield run
    process.stdin.close()
    process.stdout.close()
    process.wait(timeout=10)


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    orders().to_parquet(folder / "orders.parquet", index=False)
    return folder / "orders.parquet"


def score(source, out, model="counting", **options):
    return score_dataset(
        CountingModel(model), transactions=source, out=out, as_of="2022-12-01", n_partitions=4, **options
    )


def content(out):
    """A digest of an output, its manifest included; None where there is none."""
    files = sorted(out.rglob("*")) if out.is_dir() else [out] if out.exists() else []
    if not files:
        return None
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def hidden(folder):
    """What a job keeps beside its output."""
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


def old_and_new(source, folder, name):
    """An output of another model is in place; what it looks like, and what the job under test would make."""
    folder.mkdir()
    score(source, folder / name, "new")
    new = content(folder / name)
    score(source, folder / name, "old")
    assert hidden(folder) == []
    return content(folder / name), new


def steps_of(source, out):
    steps = []
    with faults(steps.append):
        score(source, out)
    return steps


def test_there_are_enough_named_steps(source, tmp_path):
    for name in FORMS:
        assert len(set(steps_of(source, tmp_path / name))) >= 12


@pytest.mark.parametrize("name", FORMS)
def test_kill_at_each_named_step(worker, source, tmp_path, name):
    """After each death the place holds the old or the new book, whole; the next start ends with the same bytes."""
    steps = steps_of(source, tmp_path / name)
    places = {step: steps.count(step) for step in dict.fromkeys(steps)}
    if name != "book" and not FULL:
        places = {step: n for step, n in places.items() if step.startswith("output")}
    folder = tmp_path / "out"
    old, new = old_and_new(source, folder, name)
    shutil.copytree(folder, tmp_path / "kept")
    for step, n_times in places.items():
        for occurrence in sorted({1, n_times} if FULL else {n_times}):
            shutil.rmtree(folder)
            shutil.copytree(tmp_path / "kept", folder)
            order = {
                "source": source,
                "out": folder / name,
                "model": "new",
                "step": step,
                "occurrence": occurrence,
            }
            assert worker(order) == "killed", (step, occurrence)
            assert content(folder / name) in (old, new), (step, occurrence)
            assert worker({"source": source, "out": folder / name, "model": "new"}) == 0
            assert content(folder / name) == new, (step, occurrence)
            assert hidden(folder) == [], (step, occurrence)


def test_kill_at_random_moments(worker, source, tmp_path):
    folder = tmp_path / "out"
    old, new = old_and_new(source, folder, "book")
    rng = random.Random(7)
    fates, usual = [], 1.0
    for _ in range(200 if FULL else 40):
        job = {"source": source, "out": folder / "book", "model": rng.choice(["old", "new"])}
        start = time.perf_counter()
        fates.append(worker({**job, "kill_after": rng.random() * usual}))
        # so that the moments of death spread over the whole job, however fast this machine is just now
        usual = usual * 1.05 if fates[-1] == "killed" else (usual + time.perf_counter() - start) / 2
        assert content(folder / "book") in (old, new)
    assert fates.count("killed") >= len(fates) / 2
    assert worker({"source": source, "out": folder / "book", "model": "new"}) == 0
    assert content(folder / "book") == new
    assert hidden(folder) == []


def test_kill_while_the_work_is_swept_away(worker, source, tmp_path):
    """What is left of a sweep that was cut short, its own or that of another job, is not gone on with."""
    folder = tmp_path / "out"
    old, new = old_and_new(source, folder, "book")
    order = {"source": source, "out": folder / "book"}
    fates = []
    for removal in range(1, 60, 1 if FULL else 5):
        assert worker({**order, "model": "new", "step": "part: recorded", "occurrence": 4}) == "killed"
        fates.append(worker({**order, "model": "old", "removal": removal}))
        assert worker({**order, "model": "new"}) == 0
        assert content(folder / "book") == new, removal
        fates.append(worker({**order, "model": "old", "removal": removal}))
        assert worker({**order, "model": "old"}) == 0
        assert content(folder / "book") == old, removal
    assert fates.count("killed") >= 8
    assert hidden(folder) == []


def test_a_job_started_again_makes_only_what_is_missing(worker, source, tmp_path):
    out = tmp_path / "book"
    order = {"source": source, "out": out, "model": "counting"}
    assert worker({**order, "step": "part: recorded", "occurrence": 3}) == "killed"
    assert not out.exists() and hidden(tmp_path) == [".book.lock", ".book.work"]
    made = []
    with faults(made.append):
        result = score(source, out)
    assert result.n_resumed == 3 and made.count("part: scored") == 1
    assert "partition: on disk" not in made


def test_a_split_that_has_lost_rows_is_made_again(worker, source, tmp_path):
    """Whoever removes a file of a work folder does not remove buyers from the book."""
    whole = score(source, tmp_path / "whole", "counting").manifest["n_buyers"]
    out = tmp_path / "book"
    order = {"source": source, "out": out, "model": "counting", "step": "part: recorded", "occurrence": 1}
    assert worker(order) == "killed"
    split = sorted((tmp_path / ".book.work" / "partitions" / "transactions").iterdir())
    shutil.rmtree(split[-1])
    assert score(source, out, "counting").manifest["n_buyers"] == whole


@pytest.mark.parametrize(("first_job", "next_job"), [("one", "one"), ("one", "other")])
def test_work_that_is_half_removed_is_not_taken_up(source, tmp_path, monkeypatch, first_job, next_job):
    """A job that dies while it clears its own work away, or another's, leaves nothing to go on from."""
    out = tmp_path / "book"
    with pytest.raises(SystemExit), faults(_ending_at("part: recorded")):
        score(source, out, first_job)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", _dying_half_way)
        with pytest.raises(SystemExit):
            score(source, out, next_job)
    result = score(source, out, first_job)
    assert result.n_resumed == 0
    assert content(out) is not None and result.manifest["n_buyers"] == len(read_book(out)) == 90
    assert hidden(tmp_path) == []


def _ending_at(step):
    def on_step(reached):
        if reached == step:
            raise SystemExit

    return on_step


def _dying_half_way(folder, *rest, **options):
    """Removes the first half of the files and ends the process."""
    if Path(folder).name != ".book.work":
        return
    files = sorted(file for file in Path(folder).rglob("*.parquet"))
    for file in files[: len(files) // 2]:
        file.unlink()
    raise SystemExit


def test_half_done_work_is_not_reused_for_other_inputs_or_another_model(worker, source, tmp_path):
    out = tmp_path / "book"
    order = {"source": source, "out": out, "model": "counting", "step": "part: recorded", "occurrence": 3}
    assert worker(order) == "killed"
    assert score(source, out, "another").n_resumed == 0
    assert worker(order) == "killed"
    orders(601, seed=1).to_parquet(source, index=False)
    assert score(source, out).n_resumed == 0
    assert worker(order) == "killed"
    assert score(source, out, kinds={"coffee": "check_in"}).n_resumed == 0


def test_a_damaged_part_of_an_earlier_start_is_made_again(worker, source, tmp_path):
    score(source, tmp_path / "expected")
    out = tmp_path / "book"
    order = {"source": source, "out": out, "model": "counting", "step": "part: recorded", "occurrence": 3}
    assert worker(order) == "killed"
    part = tmp_path / ".book.work" / "parts" / "00001.parquet"
    part.write_bytes(part.read_bytes()[:-1] + b"?")
    assert score(source, out).n_resumed == 2
    assert content(out) == content(tmp_path / "expected")


WRITE_STEPS = ["job: ready", "partition: on disk", "file: opened aside", "file: written", "file: on disk",
               "part: recorded", "output: begun", "output: on disk"]  # fmt: skip


@pytest.mark.parametrize(
    "code", [errno.ENOSPC, errno.EIO, errno.EROFS], ids=["full disk", "I/O error", "read-only"]
)
@pytest.mark.parametrize("step", WRITE_STEPS)
def test_a_write_that_fails_is_one_clear_error_and_changes_nothing(source, tmp_path, step, code):
    folder = tmp_path / "out"
    old, new = old_and_new(source, folder, "book")

    def fail(reached):
        if reached == step:
            raise OSError(code, os.strerror(code))

    with pytest.raises(SourceError, match=os.strerror(code)), faults(fail):
        score(source, folder / "book", "new")
    assert content(folder / "book") == old
    score(source, folder / "book", "new")
    assert content(folder / "book") == new and hidden(folder) == []


@pytest.mark.parametrize("limit", [100, 1000, 3000, 4500, 6000])
def test_files_that_cannot_grow_as_on_a_full_disk(worker, source, tmp_path, limit):
    """The operating system itself refuses, in DuckDB's writes and in ours."""
    folder = tmp_path / "out"
    old, new = old_and_new(source, folder, "book.parquet")
    order = {"source": source, "out": folder / "book.parquet", "model": "new"}
    assert worker({**order, "file_limit": limit}) == 8
    assert content(folder / "book.parquet") == old
    assert worker(order) == 0
    assert content(folder / "book.parquet") == new and hidden(folder) == []


def test_two_writers_at_once(worker, source, tmp_path):
    """One of them is refused, or comes when the other has ended; the output is whole either way."""
    rng = random.Random(3)
    whole = set()
    for model in ("one", "two"):
        score(source, tmp_path / "book", model)
        whole.add(content(tmp_path / "book"))
    refused = 0
    for _ in range(50 if FULL else 8):
        jobs = [{"source": source, "out": tmp_path / "book", "model": model, "after": rng.random() * 0.05}
                for model in ("one", "two")]  # fmt: skip
        fates = worker(*jobs)
        assert sorted(fates) in ([0, 0], [0, 7])
        refused += 7 in fates
        assert content(tmp_path / "book") in whole
    assert refused
    assert hidden(tmp_path) == []


def test_the_second_job_is_told_who_holds_the_output(source, tmp_path):
    with open_job(tmp_path / "book", {}):
        with pytest.raises(OutputLockedError, match=f"process {os.getpid()}"):
            score(source, tmp_path / "book")
    score(source, tmp_path / "book")


def test_where_names_cannot_be_exchanged_two_renames_do_and_a_death_between_them_is_mended(
    source, tmp_path, monkeypatch
):
    from clientcare import durable

    folder = tmp_path / "out"
    old, new = old_and_new(source, folder, "book")
    monkeypatch.setattr(durable, "_exchanged", lambda first, second: False)

    def stop(reached):
        if reached == "folder: old one aside":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), faults(stop):
        score(source, folder / "book", "new")
    assert content(folder / "book") is None
    with (
        pytest.raises(KeyboardInterrupt),
        faults(lambda step: stop("folder: old one aside") if step == "job: ready" else None),
    ):
        score(source, folder / "book", "new")
    assert content(folder / "book") == old
    score(source, folder / "book", "new")
    assert content(folder / "book") == new and hidden(folder) == []


def test_a_source_that_changes_while_it_is_read_stops_the_job(source, tmp_path):
    def touch(reached):
        if reached == "partition: on disk":
            pd.concat([orders(), orders(seed=5)]).to_parquet(source, index=False)

    with pytest.raises(SourceError, match="changed while"), faults(touch):
        score(source, tmp_path / "book")
    assert not (tmp_path / "book").exists()


def test_a_manifest_that_speaks_of_another_file_is_noticed(source, tmp_path):
    for name in FORMS:
        score(source, tmp_path / name)
    csv = tmp_path / "book.csv"
    csv.write_bytes(csv.read_bytes()[:-40])
    part = next((tmp_path / "book").glob("*.parquet"))
    part.write_bytes(part.read_bytes() + b" ")
    for name in ("book", "book.csv"):
        with pytest.raises(SourceError, match="checksum"):
            read_book(tmp_path / name)
