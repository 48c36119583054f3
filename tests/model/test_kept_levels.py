"""Levels of attributes: digests in the file, words in the reasons; rare ones share a flag and stand nowhere."""

from __future__ import annotations

import zipfile

import numpy as np
import pandas as pd
import pytest

import clientcare as cc
from clientcare.exceptions import OptionError


@pytest.fixture(scope="module")
def histories():
    rng = np.random.default_rng(5)
    n = 300
    ids = [f"K{i:03d}" for i in range(n)]
    owner = np.array([f"Owner Number {i % 4}" for i in range(n)], dtype=object)
    owner[:25] = [f"Rarely Seen {i}" for i in range(25)]
    leaves = np.array([name.endswith("2") for name in owner])
    rows = [
        (ids[i], pd.Timestamp("2022-01-01") + pd.Timedelta(days=int(day)))
        for i in range(n)
        for day in rng.integers(0, 350 if leaves[i] else 700, 8)
    ]
    transactions = pd.DataFrame(rows, columns=["buyer_id", "timestamp"]).assign(amount=10.0)
    buyers = pd.DataFrame(
        {"buyer_id": ids, "owner": owner, "plan": np.where(leaves, "bronze plan", "golden plan")}
    )
    return cc.Histories(transactions, buyers=buyers)


@pytest.mark.parametrize("keep", [None, ["plan"], True])
def test_the_file_holds_the_words_that_may_be_kept_and_no_other(keep, histories, tmp_path) -> None:
    model = cc.RelationshipModel(effort="quick", keep_levels=keep).fit(histories)
    model.save(tmp_path / "m")
    with zipfile.ZipFile(tmp_path / "m") as archive:
        held = b"".join(archive.read(name) for name in archive.namelist()).decode("latin-1")
    assert ("golden plan" in held) == (keep is True or keep == ["plan"])
    assert ("Owner Number" in held) == (keep is True)
    assert "Rarely Seen" not in held
    assert "buyer_owner = (other)" in held

    again = cc.load_model(tmp_path / "m")
    assert again.keep_levels == keep
    book, same = model.score(histories), again.score(histories)
    pd.testing.assert_frame_equal(book, same)
    said = model.explain(histories, histories.buyer_ids[30:60]).sentences.stack()
    assert said.str.contains("golden plan|bronze plan|Owner Number").any()
    assert not said.str.contains("#").any()


def test_scores_do_not_depend_on_what_is_kept(histories) -> None:
    one = cc.RelationshipModel(effort="quick", keep_levels=["owner", "plan"]).fit(histories).score(histories)
    other = cc.RelationshipModel(effort="quick").fit(histories).score(histories)
    np.testing.assert_allclose(one["churn_risk"], other["churn_risk"], atol=0.05)


@pytest.mark.parametrize("keep", ["plan", 3.5, [1]])
def test_keep_levels_is_a_flag_or_a_list_of_names(keep, histories) -> None:
    with pytest.raises(OptionError, match="keep_levels"):
        cc.RelationshipModel(keep_levels=keep).fit(histories)
