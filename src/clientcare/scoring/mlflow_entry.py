"""What MLflow runs when it loads the pyfunc: a script of ours and the model file, no pickle."""

from __future__ import annotations

from typing import Any

import mlflow.models
import mlflow.pyfunc
import pandas as pd

from clientcare.exceptions import OptionError, SchemaError
from clientcare.history.door.schema import schema_of
from clientcare.model import load_model
from clientcare.scoring.parts import score_partition

TABLES = ("transactions", "interactions", "contracts")


class Relationship(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Scores the rows of a request: one table, or several told apart by a column ``table``."""

    def load_context(self, context: Any) -> None:
        """Read the model file among the artifacts."""
        self._model = load_model(context.artifacts["model"])

    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]  # MLflow judges type hints
        """The book of the buyers in the rows, ``buyer_id`` first, as of ``params["as_of"]``."""
        as_of = str((params or {}).get("as_of") or "")
        if not as_of:
            raise OptionError("as_of: no date given. Pass params={'as_of': '2024-01-31'}.")
        tables: dict[str, Any] = {**tables_of(pd.DataFrame(model_input))}
        tables |= {name: _without_rows(name) for name in self._model.tables_ if name not in tables}
        return score_partition(self._model, **tables, as_of=as_of).reset_index()


def tables_of(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The tables of a request, columns without a value in them left out."""
    if "table" not in rows:
        return {"transactions": rows}
    strange = set(rows["table"].unique()) - set(TABLES)
    if strange:
        raise SchemaError(f"column 'table': {len(strange)} names that are none of {', '.join(TABLES)}.")
    found = {name: rows[rows["table"] == name].drop(columns="table") for name in TABLES}
    return {
        name: part.dropna(axis="columns", how="all").rename(
            columns={"timestamp": "start"} if name == "contracts" else {}
        )
        for name, part in found.items()
        if len(part)
    }


def _without_rows(table: str) -> pd.DataFrame:
    """A table that says of these buyers that nothing of the kind is known."""
    return pd.DataFrame({name: [] for name in schema_of(table).required})


mlflow.models.set_model(Relationship())
