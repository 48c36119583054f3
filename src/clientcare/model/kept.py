"""A fitted model as plain values: its state, its card, its file."""

from __future__ import annotations

from dataclasses import fields
from os import PathLike
from typing import Any, Self

import pandas as pd
from sklearn.utils.validation import check_is_fitted

from clientcare.exceptions import ModelFileError
from clientcare.model.learned import Learned
from clientcare.model.store.file import write_model_file
from clientcare.model.store.fingerprint import fingerprint
from clientcare.model.store.tables import plain_rows, table_of, table_state
from clientcare.model.store.valid.whole import check_name, check_state
from clientcare.outcomes import ChurnDefinition, ClientDefinition
from clientcare.window import microseconds, timestamp_of

PARAMETERS = ("horizon", "effort", "random_state", "keep_levels")
"""What of its parameters a model file keeps; a client definition stands with what was learned."""


class KeptModel:
    """What a fitted model can be kept as: state, card and file hold the same, and no buyer.

    The attributes are those of :class:`clientcare.model.RelationshipModel`.
    """

    horizon: Any
    estimator: Any
    effort: str
    random_state: int
    keep_levels: Any
    learned_: Learned
    tables_: list[str]
    churn_definition_: ChurnDefinition
    client_definition_: ClientDefinition
    as_of_: pd.Timestamp
    n_buyers_: int
    candidates_: pd.DataFrame
    training_: pd.DataFrame
    says_: list[str]
    model_id_: str

    def _fingerprint(self) -> str:
        if self.estimator is None:
            return fingerprint(self.learned_.get_state())
        return fingerprint([repr(self.estimator), table_state(self.candidates_), table_state(self.training_)])

    def get_state(self) -> dict[str, Any]:
        """The fitted model as numbers, texts and arrays: no code, no buyers.

        Raises
        ------
        ModelFileError
            Where an estimator from outside is part of it.
        """
        check_is_fitted(self, "model_id_")
        return {
            "learned": self.learned_.get_state(),
            "params": {
                "horizon": str(self.horizon),
                "effort": self.effort,
                "random_state": int(self.random_state),
                "keep_levels": list(self.keep_levels)
                if isinstance(self.keep_levels, tuple)
                else self.keep_levels,
            },
            "as_of": microseconds(self.as_of_),
            "n_buyers": self.n_buyers_,
            "candidates": table_state(self.candidates_),
            "training": table_state(self.training_),
            "says": list(self.says_),
            "model_id": self.model_id_,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The model that :meth:`get_state` told of; its scores are the same to the bit.

        Raises
        ------
        ModelFileError
            Where the state is not one of ours.
        """
        check_name(state)
        return cls.from_checked_state(state)

    @classmethod
    def from_checked_state(cls, state: dict[str, Any]) -> Self:
        """The model of a state of this version, whose name was checked before."""
        learned_names = tuple(field.name for field in fields(Learned))
        check_state(state, learned_names, PARAMETERS)
        try:
            return cls._rebuilt(state)
        except (KeyError, TypeError, AttributeError, ValueError, IndexError) as cause:
            raise ModelFileError(
                "the model file holds no relationship model that this version can read."
            ) from cause

    @classmethod
    def _rebuilt(cls, state: dict[str, Any]) -> Self:
        learned = Learned.from_state(state["learned"])
        model = cls(client=learned.client, **state["params"])  # type: ignore[call-arg]
        model.learned_, model.tables_ = learned, learned.tables
        model.churn_definition_, model.client_definition_ = learned.churn, learned.client
        model.as_of_, model.n_buyers_ = timestamp_of(state["as_of"]), state["n_buyers"]
        model.candidates_, model.training_ = table_of(state["candidates"]), table_of(state["training"])
        model.says_, model.model_id_ = list(state["says"]), state["model_id"]
        return model

    def card(self) -> dict[str, Any]:
        """The model card: what it is, what it learned from, how it did; plain values, no buyers."""
        check_is_fitted(self, "model_id_")
        return {
            "model_id": self.model_id_,
            "as_of": f"{self.as_of_:%Y-%m-%d}",
            "n_buyers": self.n_buyers_,
            "churn": self.churn_definition_.to_dict(),
            "client": self.client_definition_.to_dict(),
            "tables": list(self.tables_),
            "n_columns": len(self.learned_.encoding.names),
            "columns": list(self.learned_.encoding.columns),
            "effort": self.effort,
            "random_state": int(self.random_state),
            "training": plain_rows(self.training_),
            "candidates": plain_rows(self.candidates_),
            "says": list(self.says_),
        }

    def save(self, path: str | PathLike[str]) -> None:
        """Write the model to a file that holds no code and no buyers.

        Parameters
        ----------
        path : path
            By custom ending in ``.clientcare``.

        Raises
        ------
        ModelFileError
            Where an estimator from outside is part of the model.
        SourceError
            Where the place cannot be written to.
        """
        write_model_file(path, self.get_state(), self.card())
