"""Words for nothing are no buyers; a stray cell changes one row; a quote that is never closed swallows nothing in silence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import clientcare as cc
from clientcare.exceptions import SourceError


@pytest.mark.parametrize("word", ["NULL", r"\N", "nan", "None", "NaT", "N/A", "<NA>", " null ", "#N/A"])
def test_a_word_for_nothing_is_no_id(word: str) -> None:
    orders = pd.DataFrame({"buyer_id": [word, "Nullman", "a"], "timestamp": "2024-01-31", "amount": 2.0})
    histories = cc.Histories(orders)

    assert list(histories.buyer_ids) == ["Nullman", "a"]
    assert histories.quality.set_index("rule").loc["missing_buyer", "n_rows"] == 1


def test_an_open_quote_is_refused_with_its_row(tmp_path: Path) -> None:
    notes = ['"5 inch' if i == 100 else "ok" for i in range(300)]
    lines = [f"K{i % 30},2024-01-{i % 28 + 1:02d},{i},{note}" for i, note in enumerate(notes)]
    (tmp_path / "o.csv").write_text("buyer_id,timestamp,amount,note\n" + "\n".join(lines) + "\n")

    with pytest.raises(SourceError, match="row 100"):
        cc.read_histories(tmp_path / "o.csv")


def test_a_note_over_several_lines_and_an_inch_are_no_open_quote(tmp_path: Path) -> None:
    text = 'buyer_id,timestamp,amount,note\na,2024-01-31,1,5" pipe\nb,2024-01-31,2,"one\ntwo ""quoted"""\n'
    (tmp_path / "o.csv").write_text(text)
    assert len(cc.read_histories(tmp_path / "o.csv").buyer_ids) == 2


def shop(**changes: object) -> cc.Histories:
    rng = np.random.default_rng(1)
    orders = pd.DataFrame({"buyer_id": [f"K{i:03d}" for i in rng.integers(0, 60, 500)]})
    orders["timestamp"] = pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 700, 500), unit="D")
    orders["amount"] = 5.0
    buyers = pd.DataFrame({"buyer_id": sorted(orders["buyer_id"].unique())})
    buyers["vip"] = np.where(np.arange(len(buyers)) % 2, "yes", "no")
    buyers["size"] = (np.arange(len(buyers)) + 1).astype(str)
    for column, word in changes.items():
        buyers.loc[3, column] = word
    stranger = pd.DataFrame({"buyer_id": ["NOBODY"], "vip": ["unknown"], "size": ["large"]})
    return cc.Histories(orders, buyers=pd.concat([buyers, stranger]))


@pytest.mark.parametrize(("column", "word"), [("vip", "unknown"), ("size", "large")])
def test_a_stray_cell_is_that_buyers_unknown_and_counted(column: str, word: str) -> None:
    clean, dirty = shop(), shop(**{column: word})

    others = clean.buyer_ids.delete(3)
    left, right = clean.buyers.loc[others, column], dirty.buyers.loc[others, column]
    assert (left.astype(float) == right.astype(float)).all()
    assert pd.isna(dirty.buyers[column].iloc[3])
    assert f"unreadable_{column}" in set(dirty.quality["rule"])
