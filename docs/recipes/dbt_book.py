"""A dbt Python model on DuckDB: models/book.py. `orders` and `crm` are models with the columns of our tables."""

import clientcare as cc


def model(dbt, session):
    """One row a buyer, as of the end of the data; built anew at each run."""
    dbt.config(materialized="table")
    histories = cc.Histories(dbt.ref("orders").df(), dbt.ref("crm").df())
    fitted = cc.RelationshipModel(horizon="90D", effort="quick", random_state=0).fit(histories)
    book = fitted.score(histories).reset_index()
    for name in book.select_dtypes("category"):
        book[name] = book[name].astype(str)
    return book
