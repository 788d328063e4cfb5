"""Reads all connections where operators read theirs: in a task."""

from __future__ import annotations

from airflow.sdk import dag, task


@dag(schedule=None)
def reading() -> None:
    @task
    def read_all() -> None:
        from tests.connection_routes import ways

        ways.read_all()

    read_all()


READING = reading()
