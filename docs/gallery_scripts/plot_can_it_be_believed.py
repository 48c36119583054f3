"""
Can the risks be believed?
==========================

A model learned as of one date is held against what came after: do of a hundred buyers with 30 % risk thirty leave, and how many of
all leavers are among the riskiest tenth?
"""

import clientcare as cc
from clientcare.report import LiftDisplay, ReliabilityDisplay

histories = cc.datasets.load_retailer()
as_of = "2024-03-01"
model = cc.RelationshipModel(horizon="90D", effort="quick", random_state=0).fit(histories, as_of=as_of)
ReliabilityDisplay.from_estimator(model, histories, as_of)

# %%
# Ranked by risk, and by risk times what they were expected to spend.
LiftDisplay.from_estimator(model, histories, as_of)
