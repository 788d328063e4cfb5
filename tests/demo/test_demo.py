"""The demo, up to the start of Airflow."""

from __future__ import annotations

from airflow_zuora.demo.tour import DAG_ID, example_dags


def test_the_demo_finds_the_example_dags() -> None:
    assert (example_dags() / f"{DAG_ID}.py").is_file()
