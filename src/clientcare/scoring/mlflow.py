"""The model as an MLflow pyfunc, with signature and input example; the artifact is the model file itself."""

from __future__ import annotations

import os
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from clientcare.exceptions import MissingExtraError, OptionError


def save_pyfunc(model: Any, path: str | os.PathLike[str], **options: Any) -> None:
    """Save a fitted model as an MLflow ``pyfunc`` of no flavour.

    Parameters
    ----------
    model : RelationshipModel
    path : path
        A folder that is not there yet.
    **options
        Further options of ``mlflow.pyfunc.save_model``, for instance ``metadata``.

    Raises
    ------
    MissingExtraError
        Where MLflow is not installed.
    OptionError
        Where the folder is there already.

    Notes
    -----
    MLflow's own errors about a request that does not fit the signature repeat its rows. The signature asks
    for little, so that most requests reach our own messages, which show no cell.
    """
    try:
        import mlflow.pyfunc
        from mlflow.models import ModelSignature
        from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
    except ImportError as cause:
        raise MissingExtraError.of("mlflow-skinny", "mlflow", "Saving for MLflow") from cause
    if Path(path).exists():
        raise OptionError(f"path: {Path(path).name!r} is there already. Name a new folder.")
    inputs = Schema([
        ColSpec(DataType.string, "buyer_id"),
        ColSpec(DataType.datetime, "timestamp"),
        ColSpec(DataType.double, "amount", required=False),
        ColSpec(DataType.string, "category", required=False),
        ColSpec(DataType.string, "kind", required=False),
        ColSpec(DataType.string, "direction", required=False),
        ColSpec(DataType.datetime, "end", required=False),
        ColSpec(DataType.datetime, "cancelled_at", required=False),
        ColSpec(DataType.string, "table", required=False),
    ])  # fmt: skip
    signature = ModelSignature(
        inputs=inputs,
        outputs=Schema([ColSpec(DataType.string, "buyer_id"), ColSpec(DataType.double, "churn_risk"),
                        ColSpec(DataType.double, "client_probability"), ColSpec(DataType.string, "stage")]),
        params=ParamSchema([ParamSpec("as_of", DataType.string, "")]),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.clientcare"
        model.save(file)
        mlflow.pyfunc.save_model(
            path=str(path),
            python_model=str(Path(__file__).with_name("mlflow_entry.py")),
            artifacts={"model": str(file)},
            signature=signature,
            input_example=(_made_up_rows(), {"as_of": "2024-01-31"})
            if options.pop("with_example", True)
            else None,
            pip_requirements=[f"clientcare[mlflow]=={version('clientcare')}"],
            **options,
        )


def _made_up_rows() -> pd.DataFrame:
    """Two buyers who are nobody."""
    return pd.DataFrame({
        "buyer_id": ["example-1", "example-1", "example-2"],
        "timestamp": pd.to_datetime(["2023-11-03", "2024-01-05", "2023-12-24"]),
        "amount": [20.0, 35.5, 12.0],
    })  # fmt: skip
