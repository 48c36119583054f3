"""Damaged and hostile model files end in one clear error, quickly, in little memory, and run nothing."""

import os
import random
import subprocess
import sys
import time
import tracemalloc

import numpy as np
import pytest
from hostile import archives, packed, parts, payloads

from clientcare.exceptions import ModelFileError
from clientcare.model.store.file import read_model_file, write_model_file

FULL = os.environ.get("CLIENTCARE_TESTS") == "full"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A file of the size and shape of a fitted model."""
    rng = np.random.default_rng(0)
    trees = {"threshold": rng.normal(size=(200, 60)), "left": rng.integers(0, 60, (200, 60), dtype=np.int32)}
    state = {
        "features": [f"feature_{number}" for number in range(90)],
        "trees": trees,
        "level": -1.25,
        "cuts": [0.1, 0.9],
    }
    file = tmp_path_factory.mktemp("model") / "model.clientcare"
    write_model_file(file, state, {"model_id": "m", "horizon_days": 90})
    return file.read_bytes()


def refused(path, content):
    path.write_bytes(content)
    start = time.process_time()
    with pytest.raises(ModelFileError) as caught:
        read_model_file(path)
    assert time.process_time() - start < 1.0
    assert "Traceback" not in str(caught.value) and "\n" in str(caught.value)


def test_the_forger_can_make_an_honest_file(tmp_path):
    """Else the refusals below would say nothing about what is refused."""
    (tmp_path / "m").write_bytes(packed(parts(values={"a": 1})))
    assert read_model_file(tmp_path / "m") == ({"a": 1}, {})


@pytest.mark.parametrize("name", sorted(archives()))
def test_a_hostile_archive_is_refused(name, tmp_path):
    content = archives()[name]
    tracemalloc.start()
    try:
        refused(tmp_path / "m", content)
        assert tracemalloc.get_traced_memory()[1] < 200 << 20
    finally:
        tracemalloc.stop()
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_no_payload_runs(tmp_path):
    canary = tmp_path / "canary"
    made = payloads(canary)
    assert len(made) == 20
    for content in made.values():
        refused(tmp_path / "m", content)
        assert not canary.exists()


def mutated(content, rng):
    """One of: bits flipped, bytes written over, cut short, a stretch moved, repeated or left out."""
    body = bytearray(content)
    kind = rng.randrange(6)
    first, second = sorted(rng.sample(range(len(body)), 2))
    if kind == 0:
        for _ in range(rng.choice([1, 1, 1, 8])):
            body[rng.randrange(len(body))] ^= 1 << rng.randrange(8)
    elif kind == 1:
        body[first : first + 8] = rng.randbytes(8)
    elif kind == 2:
        del body[first:]
    elif kind == 3:
        length = min(64, len(body) - second)
        body[first : first + length], body[second : second + length] = (
            body[second : second + length],
            body[first : first + length],
        )
    elif kind == 4:
        body[second:second] = body[first : first + rng.randrange(1, 2000)]
    else:
        del body[first : first + rng.randrange(1, 2000)]
    return bytes(body)


def test_no_mutation_of_a_model_loads(model, tmp_path):
    rng = random.Random(20)
    path = tmp_path / "m"
    n_tried, slowest = 0, 0.0
    while n_tried < (10_000 if FULL else 600):
        content = mutated(model, rng)
        if content == model:
            continue
        path.write_bytes(content)
        start = time.process_time()
        with pytest.raises(ModelFileError):
            read_model_file(path)
        slowest = max(slowest, time.process_time() - start)
        n_tried += 1
    assert slowest < 1.0


def test_no_mutation_behind_a_good_seal_crashes(tmp_path):
    """Somebody who recomputes the outer checksum meets the inner ones: still refused, or the very same
    model."""
    from hostile import sealed, store

    rng = random.Random(21)
    rows = np.random.default_rng(1).normal(size=500)
    path = tmp_path / "m"
    write_model_file(path, {"rows": rows, "a": [1, 2.5, "text"]}, {"model_id": "m"})
    honest, (state, card) = path.read_bytes(), read_model_file(path)
    for _ in range(5_000 if FULL else 500):
        path.write_bytes(sealed(mutated(honest[: -store.SEAL_BYTES], rng)))
        try:
            found, found_card = read_model_file(path)
        except ModelFileError:
            continue
        assert found.keys() == state.keys() and found["a"] == state["a"] and found_card == card
        assert found["rows"].tobytes() == rows.tobytes()


def test_cut_at_each_hundredth(model, tmp_path):
    for percent in range(100):
        refused(tmp_path / "m", model[: len(model) * percent // 100])


def test_a_pipe_in_place_of_a_file_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "m")
    with pytest.raises(ModelFileError, match="regular"):
        read_model_file(tmp_path / "m")


def test_bombs_stay_below_200_mb_of_the_whole_process(tmp_path):
    """Measured from outside: the growth of resident memory of a process that reads every archive."""
    for number, content in enumerate(archives().values()):
        (tmp_path / f"{number}.clientcare").write_bytes(content)
    script = (
        "import resource, sys, pathlib\n"
        "from clientcare.model.store.file import read_model_file\n"
        "from clientcare.exceptions import ModelFileError\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before, refused = peak(), 0\n"
        "for path in pathlib.Path(sys.argv[1]).glob('*.clientcare'):\n"
        "    try: read_model_file(path)\n"
        "    except ModelFileError: refused += 1\n"
        "print(refused, (peak() - before) // 1024)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    n_refused, grown = map(int, done.stdout.split())
    assert n_refused == len(archives()) >= 15
    assert grown < 200
