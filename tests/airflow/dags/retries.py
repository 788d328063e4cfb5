"""Tasks with a retry left, whose Zuora refuses them or asks to wait."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.common.compat.sdk import AirflowOptionalProviderFeatureException
from airflow.sdk import DAG, task

from airflow_zuora.exceptions import ZuoraError
from airflow_zuora.operators.entity_connection import ListEntityConnectionsOperator

RETRIES: dict[str, Any] = {"retries": 1, "retry_delay": timedelta(0)}
try:
    from airflow_zuora.retry_policy import ZuoraRetryPolicy

    POLICY: dict[str, Any] = {"retry_policy": ZuoraRetryPolicy()}
except AirflowOptionalProviderFeatureException:
    POLICY = {}

with DAG("retries", schedule=None, catchup=False, default_args=RETRIES):
    ListEntityConnectionsOperator(task_id="refused", zuora_conn_id="zuora_refusing")
    ListEntityConnectionsOperator(task_id="asked_to_wait", zuora_conn_id="zuora_throttled", **POLICY)

    @task(**POLICY)
    def refused_in_own_words() -> None:
        from airflow_zuora.hooks.zuora import ZuoraHook

        try:
            ZuoraHook("zuora_refusing").list_entities()
        except ZuoraError as error:
            raise RuntimeError("The nightly report cannot be made") from error

    refused_in_own_words()
