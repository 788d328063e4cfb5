"""A file that calls Zuora while it is parsed, which fails: Airflow shows the import error."""

from __future__ import annotations

from airflow.sdk import dag

from airflow_zuora.hooks.zuora import ZuoraHook

hook = ZuoraHook("zuora_wrong_secret")
hook.list_entities()


@dag
def broken(): ...


broken()
