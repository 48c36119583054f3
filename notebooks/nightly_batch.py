# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
# ---

# %% [markdown]
# # From the notebook to the nightly batch
#
# What was tried in a notebook runs every night: a model file without code or customer data, a job that is bigger than
# memory, resumable and all-or-nothing, and a check of what moved between two runs.

# %%
import tempfile
from pathlib import Path

import pandas as pd

import clientcare as cc
from clientcare.datasets import simulate_histories

folder = Path(tempfile.mkdtemp())
shop = simulate_histories("retailer", n_buyers=1_000, random_state=1)
shop.transactions.to_parquet(folder / "orders.parquet")
shop.interactions.to_parquet(folder / "contacts.parquet")
shop.buyers.to_parquet(folder / "buyers.parquet")

# %% [markdown]
# ## Learn once, keep the model

# %%
model = cc.RelationshipModel(horizon="90D", effort="quick", random_state=0).fit(
    shop.histories, as_of="2024-04-01"
)
model.save(folder / "model.clientcare")
round((folder / "model.clientcare").stat().st_size / 1024), "kB"

# %% [markdown]
# The file is a zip with JSON and plain arrays: no pickle, no code, no customer rows. Any unzip reads its card.

# %%
import zipfile

with zipfile.ZipFile(folder / "model.clientcare") as archive:
    print([member.filename for member in archive.infolist()])

# %% [markdown]
# ## Score every night
#
# The tables are split by buyer on disk, scored part by part, and published in one step. Killed half-way, the job
# leaves the old book as it was and goes on where it stopped when started again.

# %%
result = cc.score_dataset(
    cc.load_model(folder / "model.clientcare"),
    transactions=str(folder / "orders.parquet"),
    interactions=str(folder / "contacts.parquet"),
    buyers=str(folder / "buyers.parquet"),
    as_of="2024-06-01",
    out=str(folder / "book"),
)
result.n_buyers, result.n_parts

# %%
book = cc.scoring.read_book(folder / "book")
in_memory = cc.load_model(folder / "model.clientcare").score(shop.histories, as_of="2024-06-01")
pd.testing.assert_series_equal(book["churn_risk"].sort_index(), in_memory["churn_risk"].sort_index())
book[["relationship", "churn_risk", "reason_1"]].head(3)

# %% [markdown]
# The same from the shell: `clientcare score --in-parts --model model.clientcare --transactions 'orders/*.parquet'
# --as-of 2024-06-01 --out book`.
#
# ## What moved since the last run?
#
# Some buyers always change stage. The comparison says how far scores drifted beside what chance alone makes of it, and
# ends with an alarm only where both the size and the chance say so; `clientcare compare` turns that into an exit code.

# %%
earlier = cc.load_model(folder / "model.clientcare").score(shop.histories, as_of="2024-05-01")
print(cc.compare_scores(earlier, in_memory))

# %% [markdown]
# ## On Spark
#
# The same kernel runs per partition of buyers inside Spark. With a session and DataFrames at hand:
#
# ```python
# from clientcare import spark as cs
#
# book = cs.score(model, orders, contacts, buyers, as_of="2024-06-01")
# book.write.mode("overwrite").parquet("s3://bucket/book")
# ```
#
# The scores equal the local ones; the guide on Spark tells how to run it on Databricks, EMR or a plain cluster.
