"""The book as a pandera schema: what a step behind `clientcare score` may rely on. Run: python book_schema.py book.parquet"""

import sys

import pandas as pd
import pandera.pandas as pa

SHARE = pa.Check.in_range(0, 1)
NOT_NEGATIVE = pa.Check.ge(0)
BOOK = pa.DataFrameSchema(
    {
        "relationship": pa.Column(checks=pa.Check.isin(["client", "customer"]), coerce=True, dtype=str),
        "status": pa.Column(checks=pa.Check.isin(["active", "quiet", "gone"]), coerce=True, dtype=str),
        "client_probability": pa.Column(float, SHARE, nullable=True),
        "churn_risk": pa.Column(float, SHARE),
        "churn_risk_low": pa.Column(float, SHARE),
        "churn_risk_high": pa.Column(float, SHARE),
        "at_stake": pa.Column(float, NOT_NEGATIVE, nullable=True),
        "horizon_days": pa.Column(int, pa.Check.gt(0), coerce=True),
    },
    index=pa.Index(str, name="buyer_id", unique=True, coerce=True),
    checks=[
        pa.Check(lambda book: book["churn_risk_low"] <= book["churn_risk"] + 1e-9),
        pa.Check(lambda book: book["churn_risk"] <= book["churn_risk_high"] + 1e-9),
        pa.Check(lambda book: book["as_of"].nunique() <= 1),
    ],
)

if __name__ == "__main__":
    table = pd.read_parquet(sys.argv[1])
    print(f"{len(BOOK.validate(table if table.index.name == 'buyer_id' else table.set_index('buyer_id'))):,} rows hold")
