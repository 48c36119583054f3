"""What an answer for a program stands on: date, horizon, model, what the model says of itself, what was set aside."""

from __future__ import annotations

from clientcare.cli.output import Voice
from clientcare.history import Histories
from clientcare.model import RelationshipModel
from clientcare.window import Moment, parse_moment


def tell_standing(
    voice: Voice, histories: Histories, as_of: Moment | None = None, model: RelationshipModel | None = None
) -> None:
    """The first line of an answer as JSON: without it a figure could be repeated without its caveat.

    People read the same in titles and on the error stream.
    """
    if not voice.as_json:
        return
    rows = histories.rows
    n_in, n_aside = int(rows["rows_in"].sum()), int(rows["rows_set_aside"].sum())
    voice.say(
        "standing",
        "",
        as_of=parse_moment(as_of if as_of is not None else histories.observed_until),
        observed_from=histories.observed_from,
        observed_until=histories.observed_until,
        share_set_aside=n_aside / n_in if n_in else 0.0,
        horizon_days=model.learned_.churn.horizon_days if model is not None else None,
        model_id=model.model_id_ if model is not None else None,
        says=list(dict.fromkeys(model.says_)) if model is not None else [],
    )
