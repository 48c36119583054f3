"""What is to be expected of a book that was scored in parts, told beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from clientcare.history.histories import Histories
from clientcare.model.outlook import Outlook
from clientcare.model.relationship import RelationshipModel
from clientcare.model.training.pulse import counts_at
from clientcare.scoring.publish import Job, PartRecord

NEEDED = ("status", "churn_risk", "at_stake", "as_of", "horizon_days", "model_id")
"""The columns that an outlook reads."""


def counts_of_part(model: Any, histories: Histories, as_of: pd.Timestamp) -> dict[str, int]:
    """What the buyers of a part did just before a date; empty where the model is not one of ours."""
    if not isinstance(model, RelationshipModel):
        return {}
    return counts_at(histories, as_of, model.churn_definition_.horizon_days)


def outlook_of_parts(model: Any, job: Job, records: Sequence[PartRecord]) -> dict[str, Any]:
    """The outlook under its name in a manifest; nothing where the model is not one of ours, or nobody was scored."""
    filled = [record for record in records if record.n_rows]
    if not isinstance(model, RelationshipModel) or not filled:
        return {}
    parts = [pq.read_table(job.part_file(one.number), columns=list(NEEDED)).to_pandas() for one in filled]
    lately: dict[str, int] = {}
    for one in records:
        for name, count in one.facts.get("lately", {}).items():
            lately[name] = lately.get(name, 0) + count
    book = pd.concat(parts, ignore_index=True)
    return {"outlook": Outlook.of(book, model.learned_.trust, model.learned_.pulse.unlike(lately)).to_dict()}
