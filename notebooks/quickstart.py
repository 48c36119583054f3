# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
# ---

# %% [markdown]
# # Quickstart: from two tables to the book
#
# A retailer knows who bought what when, and who was in touch with whom when. That is enough to ask: who is a client,
# who a one-time customer, who is about to leave, and can we believe the answer?

# %%
import matplotlib.pyplot as plt
import pandas as pd

import clientcare as cc

pd.set_option("display.max_colwidth", 70, "display.width", 160)
plt.rcParams["figure.dpi"] = 60

# %% [markdown]
# ## The door
#
# Two CSV files, read once. Whatever cannot be used is set aside and counted, never dropped in silence; `quality` says
# what was found, how many rows, what was done, and where the first of them stand.

# %%
histories = cc.read_histories(
    "../data/samples/retailer_transactions.csv",
    interactions="../data/samples/retailer_interactions.csv",
)
histories.quality

# %% [markdown]
# ## How far ahead should we ask?
#
# A horizon that is too short calls every ordinary pause a loss; one that is too long tells us too late. The suggestion
# is the first natural stretch within which four of five returning buyers had returned.

# %%
suggestion = cc.suggest_horizon(histories)
print(suggestion)
suggestion.evidence.round(2)

# %%
from clientcare.report import GapDisplay

_ = GapDisplay.from_histories(histories)

# %% [markdown]
# The bars fall quickly, the line slowly: most gaps are short, and yet of those silent for long some still return. Silence
# is a reason to call, not proof.
#
# ## Can it be believed?
#
# The model goes back to past dates, learns from what was known then, and is held against what came after. Beside it
# stands the simplest rule there is: how long has the buyer been silent? Read the verdict first; then `log_loss`, where
# lower is better, for all buyers and for those still active, who are harder to tell apart.

# %%
model = cc.RelationshipModel(horizon=suggestion.horizon, effort="quick", random_state=0)
result = cc.backtest(model, histories)
print(result.verdict)
result.summary().round(3)

# %% [markdown]
# ## The book: one row a buyer
#
# Each risk comes with an interval and with reasons in words. The stage crosses two questions: do they keep buying, and is
# there a two-way bond? Here are the clients most likely to leave.

# %%
book = model.fit(histories).score(histories)
book.query("relationship == 'client'").sort_values("churn_risk", ascending=False)[
    [
        "relationship",
        "stage",
        "client_probability",
        "churn_risk",
        "churn_risk_low",
        "churn_risk_high",
        "reason_1",
    ]
].head(8).round(2)

# %%
book.groupby("stage", observed=True)[["churn_risk", "expected_spend"]].agg(["count", "mean"]).round(2)

# %%
from clientcare.report import RelationshipMapDisplay

_ = RelationshipMapDisplay.from_predictions(book)

# %% [markdown]
# Top left: they depend on the shop and stay. Bottom right: gone, or never came to stay. The few in between are whom a call
# may keep.
#
# ## Why, and what is due?
#
# Each buyer's risk is taken apart into reasons that add up to it; the care plan says what to do first.

# %%
buyer = book.query("relationship == 'client'").sort_values("churn_risk").index[-1]
for reason in book.loc[buyer, ["reason_1", "reason_2", "reason_3"]]:
    print("-", reason)

# %%
cc.care_plan(book, histories, capacity=8)[["action", "due", "reason", "at_stake"]]

# %% [markdown]
# One more line, `cc.write_report(model, histories, "book.html", backtest=result)`, and colleagues without Python have all
# of this as one page that opens offline. The notebook on clients and churn shows how to choose the two definitions for
# your own business.
