"""Operators whose arguments Airflow has rendered and mapped, without a scheduler."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from airflow.sdk import DAG

from tests.helpers import tasks


def context(dag: DAG, *, map_index: int = -1, **params: Any) -> Any:
    """Return the context of a running task; each XCom is its task's entry among the params."""
    made = tasks.context(map_index=map_index)
    made["ti"].xcom_pull = lambda task_ids, **_: params.get(task_ids)
    run = SimpleNamespace(conf=params)  # of which Airflow makes the params of a mapped task
    return {**made, "dag": dag, "dag_run": run, "params": params}


def rendered(operator: Any, **params: Any) -> Any:
    """Let Airflow render an operator's arguments, as it does before ``execute``."""
    operator.render_template_fields(context(operator.dag, **params))
    return operator


def run(operator: Any, **params: Any) -> Any:
    return tasks.run(rendered(operator, **params))


def mapped(operator: Any, map_index: int, **params: Any) -> Any:
    """Let Airflow make and render one instance of a mapped task."""
    made = context(operator.get_dag(), map_index=map_index, **params)
    operator.render_template_fields(made)
    return made["task"]
