"""
How long do buyers stay away?
=============================

The gaps between purchases decide over which horizon to ask who leaves. The line shows who still returns after a silence; it falls
slowly, and nowhere to zero: a long silence is a reason to call, not proof.
"""

import clientcare as cc
from clientcare.report import GapDisplay, RetentionDisplay

histories = cc.datasets.load_retailer()
print(cc.suggest_horizon(histories))
GapDisplay.from_histories(histories)

# %%
# The same base by month of first purchase: who bought again, and when.
RetentionDisplay.from_histories(histories)
