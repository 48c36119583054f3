"""What stands at an output's place decides: a new name or a file of ours is written, nothing else is touched."""

from __future__ import annotations

import os
import resource
import signal
import socket
import stat
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from clientcare.cli import main, output
from clientcare.durable import only_writer, replacing
from clientcare.exceptions import SourceError
from clientcare.scoring.export import csv_text, require_rows, unguard_formulas

BOOK = pd.DataFrame({"churn_risk": [0.1, 0.2]}, index=pd.Index(["a", "b"], name="buyer_id"))


def pipe(path: Path) -> None:
    os.mkfifo(path)


def unix_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


@pytest.mark.parametrize("make", [pipe, unix_socket])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_what_is_no_file_is_refused_and_left_alone(make, ending: str, tmp_path: Path) -> None:
    place = tmp_path / f"b.{ending}"
    make(place)
    kind = os.lstat(place).st_mode

    with pytest.raises(SourceError, match=r"a named pipe|a socket"):
        output.write_table(BOOK, str(place))
    with pytest.raises(SourceError, match=r"a named pipe|a socket"), replacing(place):
        pass
    assert os.lstat(place).st_mode == kind


def test_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "b.csv").symlink_to(tmp_path / "elsewhere.csv")
    with pytest.raises(SourceError, match="symbolic link"):
        output.write_table(BOOK, str(tmp_path / "b.csv"))


@pytest.mark.parametrize(
    "words", [["fit", "--effort", "quick", "--model"], ["check", "--set-aside"], ["check", "--out"]]
)
def test_no_verb_writes_over_its_source(words: list[str], tmp_path: Path) -> None:
    orders = tmp_path / "t.csv"
    rng = np.random.default_rng(0)
    days = pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 700, 300), unit="D")
    pd.DataFrame({"buyer_id": rng.integers(0, 40, 300), "timestamp": days, "amount": 5.0}).to_csv(
        orders, index=False
    )
    before = orders.read_bytes()
    target = f"transactions={orders}" if words[-1] == "--set-aside" else str(orders)

    assert main([words[0], "--transactions", str(orders), *words[1:], target]) == 2
    assert orders.read_bytes() == before


def test_a_lock_on_a_full_disk_ends_at_once(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        try:
            with only_writer(tmp_path / ".lock", "book"):
                os._exit(3)
        except SourceError:
            os._exit(0)
        os._exit(4)
    for _ in range(100):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        time.sleep(0.05)
    else:
        os.kill(child, signal.SIGKILL)
        pytest.fail("still looping after five seconds")
    assert os.waitstatus_to_exitcode(status) == 0


def test_what_a_killed_run_left_is_swept_and_a_strangers_file_is_not(tmp_path: Path) -> None:
    (tmp_path / ".clientcare-b.csv.0123456789ab.partial").write_text("scores of a run that was killed")
    (tmp_path / ".clientcare-other.csv.0123456789ab.partial").write_text("of another output")
    output.write_table(BOOK, str(tmp_path / "b.csv"))

    assert sorted(one.name for one in tmp_path.iterdir()) == [
        ".clientcare-other.csv.0123456789ab.partial",
        "b.csv",
    ]
    assert stat.S_IMODE((tmp_path / "b.csv").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "text",
    ["K\r=1+1", "K\r\n=1", "\u200b=cmd", "'\ufeff+1", "\u00a0=1", "\u2060\u3000@x", "  =1", "a,b", 'say "x"'],
)
def test_a_text_in_csv_keeps_to_its_cell_and_comes_back(text: str, tmp_path: Path) -> None:
    table = pd.DataFrame({"id": [text, "plain"], "n": [1, 2]})
    (tmp_path / "t.csv").write_bytes(csv_text(table, index=False).encode())

    back = pd.read_csv(tmp_path / "t.csv", dtype={"id": str})
    assert len(back) == 2
    assert (
        not back["id"]
        .str.lstrip("\u200b\ufeff\u00a0\u2060\u3000 ")
        .str.startswith(("=", "+", "-", "@"))
        .any()
    )
    assert unguard_formulas(back)["id"].tolist() == table["id"].tolist()


def test_rows_are_counted_as_a_reader_would_before_anything_is_put_in_place() -> None:
    require_rows('id,n\n"a\nb",1\n', 1)
    with pytest.raises(SourceError, match="1 rows would be read back as 2"):
        require_rows("id,n\na\nb,1\n", 1)


@pytest.mark.parametrize("taken", ["m.clientcare", "clientcare.toml"])
def test_no_model_and_no_config_is_written_over_by_its_own_run(taken: str, tmp_path: Path) -> None:
    for name in ("m.clientcare", "clientcare.toml"):
        (tmp_path / name).write_text("")
    (tmp_path / "t.csv").write_text("buyer_id,timestamp,amount\na,2024-01-31,5\n")
    words = ["--transactions", str(tmp_path / "t.csv"), "--model", str(tmp_path / "m.clientcare")]
    words += ["--config", str(tmp_path / "clientcare.toml"), "--out", str(tmp_path / taken)]

    assert main(["score", *words]) == 2
    assert main(["score", "--in-parts", "--as-of", "2024-02-01", *words]) == 2
    assert (tmp_path / taken).read_text() == ""


def test_init_writes_over_none_of_its_files_even_when_forced(tmp_path: Path) -> None:
    orders = tmp_path / "t.csv"
    orders.write_text("buyer_id,timestamp,amount\na,2024-01-31,5\n")
    assert main(["init", str(orders), "--out", str(orders), "--force"]) == 2
    assert main(["init", f"transactions={orders}", "--out", str(orders), "--force"]) == 2
    assert orders.read_text().startswith("buyer_id")
