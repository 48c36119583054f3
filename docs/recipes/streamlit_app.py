"""The book to look through: `streamlit run streamlit_app.py -- book.parquet`."""

import sys

import pandas as pd
import streamlit as st

st.set_page_config(page_title="The book", layout="wide")
book = pd.read_parquet(sys.argv[1] if len(sys.argv) > 1 else "book.parquet")
if book.index.name != "buyer_id":
    book = book.set_index("buyer_id")
here = book[book["status"] != "gone"]
as_of, days = book["as_of"].iloc[0], int(book["horizon_days"].iloc[0])

st.title("The book")
st.caption(f"As of {as_of:%Y-%m-%d}, for the next {days} days. Probabilities, not verdicts.")
people, clients, leaving, stake = st.columns(4)
people.metric("buyers here", f"{len(here):,}", help=f"{len(book) - len(here):,} had left before")
clients.metric("clients", f"{(here['relationship'] == 'client').sum():,}")
leaving.metric("expected to leave", f"{here['churn_risk'].sum():,.0f}")
stake.metric("money at risk", f"{here['at_stake'].sum():,.0f}")

stages = st.multiselect("Stage", sorted(here["stage"].astype(str).unique()))
words = st.text_input("Search a buyer or a reason")
shown = here[here["stage"].astype(str).isin(stages)] if stages else here
if words:
    texts = shown.index.astype(str) + " " + shown["reason_1"].astype(str)
    shown = shown[texts.str.contains(words, case=False, regex=False)]
columns = ["stage", "churn_risk", "churn_risk_low", "churn_risk_high", "at_stake", "reason_1", "reason_2"]
st.write(f"{len(shown):,} of {len(here):,}")
st.dataframe(
    shown[columns].sort_values("at_stake", ascending=False),
    column_config={"churn_risk": st.column_config.ProgressColumn("churn risk", min_value=0.0, max_value=1.0)},
)
st.download_button("Take what is seen (CSV)", shown[columns].to_csv(), "book.csv", "text/csv")
