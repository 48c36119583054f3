# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
# ---

# %% [markdown]
# # What is a client, what is churn here?
#
# Two words decide every number that follows. This notebook shows how to choose them for your own business, on the
# retailer sample, and what the choice changes.

# %%
import matplotlib.pyplot as plt
import pandas as pd

import clientcare as cc
from clientcare.datasets import load_retailer
from clientcare.report import GapDisplay, RetentionDisplay, SilenceMapDisplay

pd.set_option("display.width", 160)
plt.rcParams["figure.dpi"] = 60
histories = load_retailer()

# %% [markdown]
# ## Churn without a contract
#
# Nobody tells a shop that they have left. Churn is therefore a statement about a stretch of time: *nothing bought
# within the horizon*. Too short a horizon calls pauses losses; too long a horizon tells too late. The gaps between
# purchases decide.

# %%
suggestion = cc.suggest_horizon(histories)
print(suggestion)
_ = GapDisplay.from_histories(histories)

# %% [markdown]
# The line falls slowly: a buyer silent for a while has probably, not surely, gone. How much does the label change
# with the horizon?

# %%
as_of = "2023-12-01"
shares = {
    days: cc.ChurnDefinition(horizon=days).label(histories, as_of=as_of).mean()
    for days in (30, 60, 90, 120, 180)
}
pd.Series(shares, name="share of all buyers who bought nothing within so many days").rename_axis(
    "days"
).round(3)

# %% [markdown]
# A label is only given where the whole horizon was observed. Asking too late is an error, not a guess:

# %%
try:
    cc.ChurnDefinition(horizon="90D").label(histories, as_of="2024-06-01")
except cc.exceptions.NotObservedError as error:
    print(error)

# %% [markdown]
# ## Who is a client?
#
# A client keeps buying (**patronage**) and is bound to the seller by more than the purchase (**care tie**: answered
# contacts, feedback, a referral, a contract). The two questions give four stages; the class is their reduction.

# %%
definition = cc.ClientDefinition(horizon="180D", periods=3, min_periods=2)
patronage = definition.patronage(histories, as_of)
tie = definition.care_tie_seen(histories, as_of)
pd.crosstab(patronage.rename("patronage"), tie.rename("care tie"))

# %% [markdown]
# With transactions alone no tie can be seen; then patronage decides, and the book says so in `evidence`.

# %%
only_sales = cc.Histories(histories.transactions)
both = pd.DataFrame(
    {
        "with interactions": definition.label(histories, as_of).value_counts(),
        "transactions alone": definition.label(only_sales, as_of).value_counts(),
    }
)
both.rename(index={True: "client", False: "customer"})

# %% [markdown]
# ## How does the base behave?

# %%
_ = RetentionDisplay.from_histories(histories)

# %%
model = cc.RelationshipModel(horizon="90D", client=definition, effort="quick", random_state=0).fit(histories)
_ = SilenceMapDisplay.from_estimator(model, histories)

# %% [markdown]
# Your own list outranks the definition: `model.fit(histories, labels=...)` takes a Series of True and False by buyer,
# for instance from the account managers, and learns who looks like the people on it.
