"""What was given by lot: the arms, in the words people use, and what was dealt with together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from clientcare.exceptions import InputError, OptionError
from clientcare.facts.contacts import Bools, Floats, Ints
from clientcare.history.histories import Histories

ARMS: dict[Any, float] = {
    **dict.fromkeys(("care", "treatment", "treated", "test"), 1.0),
    **dict.fromkeys(("hold_out", "holdout", "held_out", "control"), 0.0),
    **{1: 1.0, 0: 0.0, "1": 1.0, "0": 0.0},  # 1 and True are one key
}
"""The words of the field for the two arms; capitals, blanks and hyphens do not count."""


def assigned_arms(
    histories: Histories, randomised: Any, index: pd.MultiIndex, position: Ints
) -> Floats | None:
    """The arm each row was drawn into, 1 care and 0 held out; None where nothing was drawn by lot."""
    if randomised is None:
        return None
    if isinstance(randomised, str):
        if histories.buyers is None or randomised not in histories.buyers:
            found = [] if histories.buyers is None else list(map(str, histories.buyers.columns))
            raise OptionError(
                f"care_effect: randomised={randomised!r} is no column of the buyers' table ({found})."
            )
        randomised = histories.buyers[randomised]
    if not isinstance(randomised, pd.Series):
        raise InputError(
            "care_effect: randomised is a column of the buyers' table or a Series by buyer_id, "
            f"found {type(randomised).__name__}."
        )
    if randomised.index.nlevels == 2:
        arms = randomised.reindex(index)
    else:
        arms = randomised.reindex(histories.buyer_ids).iloc[position]
    if len(arms) and arms.isna().all():
        raise InputError(
            f"care_effect: no arm names a buyer of these tables ({len(randomised):,} arms, none of them known). "
            "Index the arms by buyer_id as it is written here: whole numbers or texts."
        )
    return arms_of(arms)


def cluster_of(histories: Histories, clusters: Any, position: Ints) -> Ints:
    """The number of each row's cluster; a buyer of whom none is known is one alone; shape (n_rows,)."""
    if clusters is None:
        return position.astype(np.int64)
    if isinstance(clusters, str):
        if histories.buyers is None or clusters not in histories.buyers:
            found = [] if histories.buyers is None else list(map(str, histories.buyers.columns))
            raise OptionError(
                f"care_effect: clusters={clusters!r} is no column of the buyers' table ({found})."
            )
        clusters = histories.buyers[clusters]
    if not isinstance(clusters, pd.Series) or clusters.index.nlevels != 1:
        raise InputError(
            "care_effect: clusters is a column of the buyers' table or a Series by buyer_id, "
            f"found {type(clusters).__name__}."
        )
    if not clusters.index.is_unique:
        raise InputError("care_effect: clusters names a buyer twice; give each buyer one cluster.")
    codes, _ = pd.factorize(clusters.reindex(histories.buyer_ids), sort=False)
    alone = np.arange(len(codes)) + codes.max(initial=-1) + 1
    return np.asarray(np.where(codes >= 0, codes, alone)[position], dtype=np.int64)


def arms_of(words: pd.Series[Any]) -> Floats:
    """1 for care, 0 for held out, NaN where nothing is said.

    Raises
    ------
    OptionError
        Where a word means neither.
    """
    plain = [
        word.strip().lower().replace("-", "_").replace(" ", "_") if isinstance(word, str) else word
        for word in words
    ]
    known = [word is not None and word == word and word != "" for word in plain]
    unknown = sorted(
        {str(word) for word, said in zip(plain, known, strict=True) if said and word not in ARMS}
    )
    if unknown:
        raise OptionError(
            f"care_effect: {', '.join(map(repr, unknown[:5]))} {'is no arm' if len(unknown) == 1 else 'are no arms'}. "
            "Write 'care' or 1 for those who were given care, 'hold_out' or 0 for those who were not."
        )
    return np.asarray([ARMS[word] if said else np.nan for word, said in zip(plain, known, strict=True)])


def share_by_date(treated: Bools, index: pd.MultiIndex, usable: Bools) -> Floats:
    """The share drawn for care among the rows of each date; shape (n_rows,)."""
    frame = pd.Series(np.where(usable, treated, np.nan), index=index)
    return np.asarray(frame.groupby(level=0).transform("mean").to_numpy(dtype=np.float64))
