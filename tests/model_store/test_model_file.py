"""A model file keeps every bit, is replaced whole, and cannot run anything."""

import json
import math
import zipfile

import numpy as np
import pytest

from clientcare.exceptions import ModelFileError, SourceError
from clientcare.model.store import file as store
from clientcare.model.store import versions
from clientcare.model.store.file import read_model_file, write_model_file

STATE = {
    "name": 'quote " back \\ slash, newline \n and ü, 字, \ud800',
    "flag": True,
    "nothing": None,
    "count": 2**70,
    "floats": [0.1, -0.0, 5e-324, 1.7976931348623157e308, float("nan"), float("inf"), float("-inf")],
    "pair": (1, [2.0, ()]),
    "nested": {"a": {"b": [{"c": np.arange(6, dtype=np.int32).reshape(2, 3)}]}},
    "arrays": [
        np.array([], dtype=np.float64),
        np.array(3.5),
        np.array([True, False]),
        np.array([np.nan, -np.inf, 0.1]),
        np.array(["a", "ß", ""]),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(4, dtype=">i4"),
        np.arange(3, dtype=np.uint8),
        np.arange(3, dtype=np.float32),
    ],
    "zeros": np.zeros(100_000),
}
CARD = {
    "model_id": "abc",
    "horizon_days": 90,
    "metrics": [{"as_of": "2011-06-01", "log_loss": 0.5}],
    "notes": ["x"],
}


def same(left, right):
    if isinstance(left, np.ndarray):
        return (
            isinstance(right, np.ndarray)
            and left.dtype == right.dtype.newbyteorder("=")
            and left.shape == right.shape
            and left.tobytes() == np.ascontiguousarray(right.astype(left.dtype)).tobytes()
        )
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float):
        return left.hex() == right.hex() or (math.isnan(left) and math.isnan(right))
    return left == right


@pytest.fixture
def file(tmp_path):
    target = tmp_path / "model.clientcare"
    write_model_file(target, STATE, CARD)
    return target


def test_every_bit_comes_back(file):
    state, card = read_model_file(file)
    assert same(state, STATE)
    assert same(card, CARD)


def test_arrays_come_back_writable(file):
    state, _ = read_model_file(file)
    state["arrays"][3][0] = 1.0


def test_numpy_scalars_come_back_as_plain_numbers(tmp_path):
    write_model_file(tmp_path / "m", {"a": np.float64(0.1), "b": np.int64(3), "c": np.bool_(True)}, {})
    assert same(read_model_file(tmp_path / "m")[0], {"a": 0.1, "b": 3, "c": True})


def test_the_same_model_gives_the_same_bytes(file, tmp_path):
    write_model_file(tmp_path / "again", STATE, CARD)
    assert (tmp_path / "again").read_bytes() == file.read_bytes()


def test_any_unzip_shows_the_card(file):
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        assert json.loads(archive.read("card.json"))["horizon_days"] == 90
        assert "horizon days: 90" in archive.read("card.txt").decode()


@pytest.mark.parametrize(
    "value",
    [
        print,
        object(),
        b"bytes",
        {1: "a"},
        {"$array": 0},
        {1, 2},
        np.array([object()]),
        np.array(["2020"], "M8[D]"),
        1j,
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_could_hide_code_or_tables_is_refused_when_writing(tmp_path, value):
    with pytest.raises(ModelFileError, match="model file"):
        write_model_file(tmp_path / "m", {"value": value}, {})
    assert list(tmp_path.iterdir()) == []


def test_a_card_holds_no_arrays(tmp_path):
    with pytest.raises(ModelFileError, match="card"):
        write_model_file(tmp_path / "m", {}, {"rows": np.arange(3)})


def test_a_state_too_large_to_be_read_back_is_not_written(tmp_path):
    with pytest.raises(ModelFileError, match=r"state\.json"):
        write_model_file(tmp_path / "m", {"texts": ["x" * 100] * 50_000}, {})


def test_a_missing_file_and_a_folder_are_named_plainly(tmp_path):
    for path in (tmp_path / "absent", tmp_path, "nul\0byte"):
        with pytest.raises(ModelFileError, match="model file"):
            read_model_file(path)


def test_a_newer_format_is_refused_with_both_versions_named(tmp_path, monkeypatch):
    with monkeypatch.context() as later:
        later.setattr(versions, "SCHEMA_VERSION", 7)
        later.setattr(store, "library_versions", lambda: {"clientcare": "9.9"})
        write_model_file(tmp_path / "m", {}, {})
    with pytest.raises(
        ModelFileError,
        match=rf"format version 7 by clientcare 9\.9.*reads up to version {versions.SCHEMA_VERSION}; upgrade",
    ):
        read_model_file(tmp_path / "m")


def test_a_format_that_no_step_leads_from_is_refused_with_both_versions_and_the_mend(tmp_path, monkeypatch):
    with monkeypatch.context() as earlier:
        earlier.setattr(versions, "SCHEMA_VERSION", 1)
        earlier.setattr(store, "library_versions", lambda: {"clientcare": "0.0.3"})
        write_model_file(tmp_path / "m", {}, {})
    with pytest.raises(
        ModelFileError,
        match=r"format version 1 by clientcare 0\.0\.3.*from version 2 on; load it with clientcare 0\.0\.3, or fit",
    ):
        read_model_file(tmp_path / "m")


def test_a_file_that_cannot_be_written_leaves_the_old_one(file):
    before = file.read_bytes()
    with pytest.raises(SourceError, match="cannot be written"):
        write_model_file(file.parent / "absent" / "m", {}, {})
    with pytest.raises(SourceError, match="unchanged"):
        write_model_file(file / "m", {}, {})
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == [file.name]
