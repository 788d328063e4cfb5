"""Many waits that occupy no worker, and one that times out."""

from __future__ import annotations

from airflow.sdk import DAG, Context, Param, task

from airflow_zuora.sensors.entity_connection import EntityConnectionSensor

with DAG("waits", schedule=None, catchup=False, params={"ids": Param([], type="array")}):

    @task
    def ids(params: Context) -> list[str]:
        return params["ids"]

    EntityConnectionSensor.partial(task_id="wait", deferrable=True, poke_interval=2).expand(
        connection_id=ids()
    )

with DAG("impatient", schedule=None, catchup=False, params={"id": ""}):
    EntityConnectionSensor(
        task_id="wait", connection_id="{{ params.id }}", deferrable=True, poke_interval=2, timeout=30
    )
