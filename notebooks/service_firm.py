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
# ## A health score that is held to what happened
#
# More of any fact never lowers it; the weights are learned from who stayed. Beside each tier stands the churn observed in
# it, of buyers the score had not seen. Asked a quarter ago, so that the outcome is known:

# %%
quarter_ago = histories.observed_until - pd.Timedelta(days=90)
left = cc.ChurnDefinition("90D").label(histories, quarter_ago)
health = cc.care.HealthScore().fit(cc.care.health_facts(histories, quarter_ago), left)
health.tiers_.round(2)

# %%
facts = cc.care.health_facts(histories, histories.observed_until)
health.tier(facts).value_counts(sort=False)

# %% [markdown]
# ## Was anybody surprised?
#
# A model fitted once, half a year before, and asked every month: how early was a leaver warned of, who was never, and how
# many false alarms did it cost, beside a rule that goes by the silence alone? And which contracts lapsed with no talk?
# So small a firm has few leavers; the page on care tells the same of larger ones.

# %%
months = pd.date_range(end=quarter_ago, periods=6, freq="30D")
warning = cc.care.warn_with_model(model, histories, months, lines=(0.1, 0.2, 0.3))
warning.lines[["n_leavers", "surprise_rate", "median_lead_days", "false_per_true", "share_warned"]].round(2)

# %%
warning.lapsed

# %% [markdown]
# ## What is due
#
# One row an action: what, when, why, and what is at stake (risk times what staying would bring). `capacity` picks the best
# set that can be done, and no buyer is flooded.

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
