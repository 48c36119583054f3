"""Make the samples anew: python data/samples/make_samples.py.

Same seeds, same bytes. The retailer gets a few wrong rows on purpose, so that ``histories.quality`` has something to show.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from clientcare.datasets import simulate_histories

HERE = Path(__file__).resolve().parent
SEED = 2024
START, N_DAYS = "2022-01-01", 912


def main() -> None:
    """Write every table of both samples as CSV."""
    retailer = simulate_histories("retailer", 1200, random_state=SEED, start=START, n_days=N_DAYS)
    with_mess = spoil(retailer.transactions, np.random.default_rng(SEED))
    write("retailer_transactions", with_mess.drop(columns="quantity"))
    write("retailer_interactions", in_few_columns(retailer.interactions))
    write("retailer_buyers", retailer.buyers)
    write("truth/retailer", rounded(retailer.truth))
    firm = simulate_histories("service_firm", 200, random_state=SEED, start=START, n_days=N_DAYS)
    write("service_firm_transactions", firm.transactions)
    write("service_firm_interactions", in_few_columns(firm.interactions))
    write("service_firm_contracts", firm.contracts)
    write("service_firm_buyers", firm.buyers)
    write("truth/service_firm", rounded(firm.truth))


def spoil(transactions: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The mistakes that real exports have: rows twice, rows without a buyer, amounts of zero or none."""
    rows = rng.permutation(len(transactions))
    table = transactions.copy()
    table.loc[rows[:9], "buyer_id"] = None
    table.loc[rows[9:14], "amount"] = 0.0
    table.loc[rows[14:18], "amount"] = np.nan
    twice = pd.concat([table, table.loc[rows[18:30]]])
    return twice.sort_values(["timestamp", "order_id"], kind="stable", ignore_index=True)


def in_few_columns(interactions: pd.DataFrame) -> pd.DataFrame:
    """Moments to the minute, to keep the files small; times to an answer follow from them."""
    table = interactions.drop(columns="response_hours", errors="ignore")
    for name in ("answered_at", "closed_at"):
        table[name] = table[name].dt.ceil("min")
    return table.assign(timestamp=table["timestamp"].dt.floor("min"))


def rounded(truth: pd.DataFrame) -> pd.DataFrame:
    """Numbers to four places, buyer_id as a column."""
    numbers = truth.select_dtypes("number").round(4)
    return truth.assign(**{name: numbers[name] for name in numbers}).reset_index()


def write(name: str, table: pd.DataFrame) -> None:
    """One CSV file; whole days as dates, moments to the second or minute."""
    text = table.copy()
    for column in text.columns[text.dtypes.map(lambda kind: kind.kind == "M")]:
        text[column] = as_text(text[column])
    text.to_csv(HERE / f"{name}.csv", index=False, lineterminator="\n", float_format="%.10g")


def as_text(moments: pd.Series) -> pd.Series:
    """As short as a moment of this column can be written."""
    known = moments.dropna()
    if (known == known.dt.normalize()).all():
        return moments.dt.strftime("%Y-%m-%d")
    to_the_minute = (known.dt.second == 0).all()
    return moments.dt.strftime("%Y-%m-%dT%H:%M" if to_the_minute else "%Y-%m-%dT%H:%M:%S")


if __name__ == "__main__":
    main()
