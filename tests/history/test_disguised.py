"""A file that is not what its name says is told for what it is, in memory and in parts."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

import clientcare as cc
from clientcare.exceptions import ClientcareError
from clientcare.history.sources.scans import scan_of

HEAD = "buyer_id,timestamp,amount\n"
ROWS = "".join(f"K{i % 9},2024-01-{i % 28 + 1:02d},{i * 7919 % 10007}\n" for i in range(20_000))
CASES = {
    "blank.csv": ("\n" + HEAD + ROWS, r"blank line where its header.*\n.*skip_lines=1"),
    "blanks.csv": ("\n \n\n" + HEAD + ROWS, "skip_lines=3"),
    "packed.csv": (gzip.compress((HEAD + ROWS).encode()), "packed with gzip, which its name does not say"),
    "plain.csv.gz": (HEAD + ROWS, "not packed with gzip, though its name"),
    "cut.csv.gz": (gzip.compress((HEAD + ROWS).encode())[:-5000], "cut short"),
    "hardly.csv.gz": (gzip.compress((HEAD + ROWS[:90]).encode())[:-12], "cut short"),
    "commas.csv": (HEAD + ROWS[:500].replace("\n", ",\n"), "one more delimiter"),
    "parquet.csv": (b"PAR1" + b"\0" * 50, "a Parquet file"),
    "sheet.csv": (b"PK\x03\x04" + b"\0" * 50, "a workbook or a zip"),
    "page.csv": ("\n<!DOCTYPE html><html><body>Sign in</body></html>\n", "a web page"),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_told_what_a_file_is(name: str, tmp_path: Path) -> None:
    content, said = CASES[name]
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ClientcareError, match=said) as told:
        cc.read_histories(tmp_path / name)
    assert "K1" not in str(told.value)
    if name not in ("commas.csv", "cut.csv.gz"):  # those are met while they are read
        with pytest.raises(ClientcareError, match=said):
            scan_of("transactions", str(tmp_path / name))


def test_a_line_that_states_the_delimiter_and_commas_everywhere_are_read(tmp_path: Path) -> None:
    (tmp_path / "sep.csv").write_text("sep=;\n" + (HEAD + ROWS[:900]).replace(",", ";"))
    (tmp_path / "commas.csv").write_text((HEAD + ROWS[:900]).replace("\n", ",\n"))
    assert len(cc.read_histories(tmp_path / "sep.csv").buyer_ids) == 9
    assert len(cc.read_histories(tmp_path / "commas.csv").buyer_ids) == 9
