"""The first task that Airflow runs."""

from __future__ import annotations

from airflow.sdk import dag, task


@dag(schedule=None)
def first():
    @task
    def nothing() -> None: ...

    nothing()


first()
