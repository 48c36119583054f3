# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
# ---

# %% [markdown]
# # Probability models or boosting: when to believe which
#
# Buy-till-you-die models know how buying and leaving go in general; boosting knows nothing but what the data show.
# Here the truth is known, because the data are simulated, so we can ask which one to believe, and when.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.metrics import log_loss

import clientcare as cc
from clientcare.btyd import BGNBD, MBGNBD, ParetoNBD, purchase_summary
from clientcare.datasets import simulate_pareto_nbd

plt.rcParams["figure.dpi"] = 60

# %% [markdown]
# ## P(alive) is not the chance that they buy
#
# A BG/NBD lets a buyer leave only after a repeat purchase, so it calls every one-time buyer alive. Asked for the
# chance of *no purchase within the horizon*, the same model gives a sensible answer.

# %%
shop = simulate_pareto_nbd(n_buyers=2_000, random_state=0)
until = shop.histories.observed_until
as_of = until - pd.Timedelta(days=90)
summary = purchase_summary(shop.histories, as_of)
model = BGNBD().fit(summary)
one_time = summary["n_repeat_purchases"] == 0
pd.DataFrame(
    {
        "P(alive)": model.p_alive(summary),
        "P(no purchase in 90 days)": model.predict_no_purchase(summary, 90),
    },
    index=summary.index,
).groupby(one_time.map({True: "bought once", False: "bought again"})).mean().round(3)

# %% [markdown]
# ## Few buyers, many buyers
#
# The same question for 100 to 2,000 buyers of a base that truly is Pareto/NBD: there a learned model cannot know more
# than the probability model, and should yield to it.

# %%
happened = cc.ChurnDefinition(horizon="90D").label(shop.histories, as_of=as_of)
rows = []
random = np.random.default_rng(0)
for n in (100, 500, 2_000):
    chosen = np.sort(random.choice(summary.index.to_numpy(), min(n, len(summary)), replace=False))
    some = shop.histories.select(chosen)
    seen = happened.reindex(chosen)
    scores = {
        "Pareto/NBD": ParetoNBD().fit(summary.loc[chosen]).predict_no_purchase(summary.loc[chosen], 90),
        "MBG/NBD": MBGNBD().fit(summary.loc[chosen]).predict_no_purchase(summary.loc[chosen], 90),
        "clientcare": cc.RelationshipModel(horizon="90D", effort="quick")
        .fit(some, as_of=as_of)
        .score(some, as_of=as_of)
        .reindex(chosen)["churn_risk"],
    }
    rows.append({"buyers": n, **{name: log_loss(seen, np.asarray(risk)) for name, risk in scores.items()}})
pd.DataFrame(rows).set_index("buyers").round(4)

# %% [markdown]
# ## Where behaviour is richer than one formula
#
# In the retailer sample some buy at random and leave soon, some keep a rhythm and get in touch. The members of the
# relationship model are judged out of time, and the table of candidates says how each did: *lifetime* is the Pareto/NBD,
# *rhythm* a mixture of types of buyer that knows rhythms and contacts. Here it is ahead, and takes the place of the
# Pareto/NBD in the blend; on real groceries, where rhythms change, it is behind and is left out.

# %%
histories = cc.datasets.load_retailer()
fitted = cc.RelationshipModel(horizon="90D", effort="quick").fit(histories)
fitted.candidates_.query("target == 'churn'")[["candidate", "weight", "log_loss", "gain_over_recency"]].round(
    4
)

# %% [markdown]
# In short: few buyers, a short history, a base without seasons: trust the probability models. Many buyers with rich
# histories: the blend is better, and shows by how much. Either way, look at the backtest before you believe it.
