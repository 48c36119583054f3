"""
Who depends on us, and who is leaving?
======================================

The relationship map of a service firm: client probability against churn risk, the stage by shape, what is at stake by size. Below
it the firm's own report card, and one client's story.
"""

import clientcare as cc
from clientcare.report import CareRadarDisplay, RelationshipMapDisplay, TimelineDisplay

histories = cc.datasets.load_service_firm()
model = cc.RelationshipModel(horizon="90D", effort="quick", random_state=0).fit(histories)
book = model.score(histories)
RelationshipMapDisplay.from_predictions(book)

# %%
CareRadarDisplay.from_report(cc.care_report(histories, histories.observed_until))

# %%
client = book.query("relationship == 'client'").sort_values("churn_risk").index[-1]
TimelineDisplay.from_estimator(model, histories, client)
