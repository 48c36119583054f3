"""The book and the plan as Dagster assets: `dagster dev -f dagster_assets.py`."""

import pandas as pd
from dagster import AssetExecutionContext, Definitions, MaterializeResult, asset

import clientcare as cc

ORDERS, CRM, MODEL = "/data/orders.parquet", "/data/crm.parquet", "/models/m.clientcare"


@asset
def book(context: AssetExecutionContext) -> pd.DataFrame:
    """One row a buyer: class, risk, reasons."""
    model = cc.load_model(MODEL)
    for sentence in model.says_:
        context.log.info(sentence)
    return model.score(cc.read_histories(ORDERS, interactions=CRM))


@asset
def plan(book: pd.DataFrame) -> MaterializeResult:
    """What care is due."""
    due = cc.care_plan(book, cc.read_histories(ORDERS, interactions=CRM))
    due.to_parquet("/data/plan.parquet")
    return MaterializeResult(metadata={"actions": len(due)})


definitions = Definitions(assets=[book, plan])
