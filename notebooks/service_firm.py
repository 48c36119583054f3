# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
# ---

# %% [markdown]
# # A service firm under care
#
# Contracts that live for years are kept alive by two-way communication: a check-in at least monthly, and no surprise
# at the end of a term. This notebook measures that, per buyer and for the firm, and turns it into a list of things to
# do.

# %%
import matplotlib.pyplot as plt
import pandas as pd

import clientcare as cc
from clientcare.datasets import load_service_firm
from clientcare.report import CareRadarDisplay, ReasonsDisplay, TimelineDisplay

pd.set_option("display.max_colwidth", 110, "display.width", 180)
plt.rcParams["figure.dpi"] = 60
histories = load_service_firm()
histories.quality

# %% [markdown]
# ## Who is under care, who is leaving?
#
# With contracts, churn means that no contract is in force at the end of the horizon and nothing was bought within it. A
# cancellation counts from the day it was given: before that day nobody could know.

# %%
model = cc.RelationshipModel(horizon="90D", effort="quick", random_state=0).fit(histories)
book = model.score(histories)
for sentence in model.says_:
    print("-", sentence)
book.groupby("stage", observed=False)[["client_probability", "churn_risk"]].agg(["count", "mean"]).round(2)

# %% [markdown]
# ## The report card

# %%
report = cc.care_report(histories, histories.observed_until)
report.seller[["score", "previous", "coverage", "evidence"]].round(2)

# %%
_ = CareRadarDisplay.from_report(report)

# %% [markdown]
# The questions an owner should be able to answer:

# %%
report.questions[["answer", "figures"]]

# %% [markdown]
# The same per account owner shows where help is needed first:

# %%
by_owner = cc.care_report(histories, histories.observed_until, by="owner")
by_owner.by["score"].unstack().round(0)

# %% [markdown]
# ## What is due
#
# One row an action: what, when, why, and what is at stake (risk times expected spend). `capacity` picks the best set
# that can be done, and no buyer is flooded.

# %%
plan = cc.care_plan(book, histories, capacity=12)
plan[["buyer_id", "action", "due", "reason", "at_stake", "owner"]].round({"at_stake": 0})

# %% [markdown]
# ## One buyer's story

# %%
risky = book[book["relationship"] == "client"].sort_values("churn_risk").index[-1]
_ = TimelineDisplay.from_estimator(model, histories, risky)

# %%
ReasonsDisplay.from_estimator(model, histories, risky)
for reason in book.loc[risky, ["reason_1", "reason_2", "reason_3"]]:
    print("-", reason)
