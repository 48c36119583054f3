"""What a verb reads is never what it writes, whatever its name; and stripped docstrings break nothing."""

from __future__ import annotations

import os
import subprocess
import sys

from clientcare.cli.program import main


def test_arms_do_not_take_the_place_of_their_book(tmp_path, capsys):
    (tmp_path / "book.csv").write_text("x")
    os.link(tmp_path / "book.csv", tmp_path / "same.csv")
    for out in ("book.csv", "same.csv"):
        assert main(["holdout", str(tmp_path / "book.csv"), "--out", str(tmp_path / out)]) == 2
        assert "would be replaced" in capsys.readouterr().err
    assert (tmp_path / "book.csv").read_text() == "x"


def test_everything_loads_without_docstrings():
    code = "import clientcare as cc; [getattr(cc, name) for name in cc.__all__]; cc.feature_catalogue()"
    subprocess.run([sys.executable, "-OO", "-c", code], check=True)
