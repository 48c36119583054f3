"""A nightly book with Airflow: the command line in three steps, each of which fails with a clear message of its own."""

from datetime import datetime

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

TABLES = "--transactions '/data/orders/*.parquet' --interactions /data/crm.parquet"

with DAG("clientcare", schedule="0 4 * * *", start_date=datetime(2024, 1, 1), catchup=False) as dag:
    check = BashOperator(task_id="check", bash_command=f"clientcare check {TABLES} --strict")
    score = BashOperator(
        task_id="score",
        bash_command=f"clientcare score --in-parts --model /models/m.clientcare {TABLES} "
        "--as-of {{ ds }} --out /data/book/{{ ds }}",
        retries=2,  # a killed run goes on where it stopped
    )
    care = BashOperator(
        task_id="care",
        bash_command=f"clientcare care --model /models/m.clientcare {TABLES} --as-of {{{{ ds }}}} --out /data/plan.xlsx",
    )
    check >> score >> care
