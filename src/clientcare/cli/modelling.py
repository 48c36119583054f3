"""The options that say what is predicted, and the model they make."""

from __future__ import annotations

import argparse

from clientcare.exceptions import NotEnoughDataError, OptionError
from clientcare.history import Histories
from clientcare.model import RelationshipModel, load_model
from clientcare.model.training.requirements import require_tables, tables_of
from clientcare.outcomes import ClientDefinition, suggest_horizon
from clientcare.window import Moment, parse_days


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """``--horizon``, ``--client-horizon``, ``--effort`` and ``--random-state``."""
    group = parser.add_argument_group("what is predicted")
    group.add_argument(
        "--horizon", help="how far ahead churn is asked for, e.g. 90D (default: suggested by the data)"
    )
    group.add_argument(
        "--client-horizon", help="how far ahead patronage is asked for (default: by the buyers' own rhythm)"
    )
    group.add_argument("--effort", choices=("quick", "default", "thorough"), default="default")
    group.add_argument("--random-state", type=int, default=0)
    group.add_argument(
        "--keep-levels", action="append", default=[], metavar="ATTRIBUTE",
        help="values of this attribute may stand in the model file as written (repeatable; default: as digests)",
    )  # fmt: skip


def build_model(options: argparse.Namespace, histories: Histories) -> RelationshipModel:
    """An unfitted model; without ``--horizon`` the histories suggest one."""
    horizon = options.horizon or _suggested(histories)
    client = ClientDefinition(horizon=options.client_horizon) if options.client_horizon else None
    return RelationshipModel(
        horizon=horizon,
        client=client,
        effort=options.effort,
        random_state=options.random_state,
        keep_levels=options.keep_levels or None,
    )


def _suggested(histories: Histories) -> str:
    """The horizon that the histories suggest; the way out is told as an option of the command line."""
    try:
        return suggest_horizon(histories).horizon
    except NotEnoughDataError as reason:
        why = str(reason).partition("\n")[0]
    raise NotEnoughDataError(f"{why}\nState the horizon yourself: --horizon 90D.")


def model_for(options: argparse.Namespace, histories: Histories, as_of: Moment) -> RelationshipModel:
    """The model saved at ``--model``; where none is named, one learned as of the date."""
    if options.model:
        return open_model(options, histories)
    return build_model(options, histories).fit(histories, as_of=as_of)


def open_model(options: argparse.Namespace, histories: Histories) -> RelationshipModel:
    """The model saved at ``--model``, refused for histories that lack a table it learned from.

    Raises
    ------
    SchemaError
    OptionError
        Where a horizon is stated that is not the model's own.
    """
    model = load_saved(options)
    require_tables("--model", model.tables_, tables_of(histories))
    return model


def load_saved(options: argparse.Namespace) -> RelationshipModel:
    """The model saved at ``--model``; a horizon stated beside it must be its own.

    Raises
    ------
    OptionError
    """
    model = load_model(options.model)
    own = {
        "--horizon": (options.horizon, model.churn_definition_.horizon_days),
        "--client-horizon": (options.client_horizon, model.client_definition_.horizon_days),
    }
    for name, (stated, days) in own.items():
        if stated is not None and parse_days(stated, name) != days:
            raise OptionError(
                f"{name}: the model was learned for {days} days, and speaks of these alone.\n"
                f"Leave {name} out, or fit a model for the horizon you want."
            )
    return model
