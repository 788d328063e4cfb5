"""A connection means the same in whichever way Airflow is given it; ``make routes`` prints the table."""

from __future__ import annotations

from importlib.metadata import version

import pytest
from packaging.version import Version

from tests.connection_routes.fields import FIELDS
from tests.connection_routes.table import NAMED, READ, UNREADABLE, outcome, play

AIRFLOW = Version(version("apache-airflow"))


def expected(way: str, field: str) -> str:
    """Say what comes of a field; Airflow itself takes for a number what looks like one."""
    if "without quotes" in way:  # YAML, which also knows dates
        return {"version `2024-05-20`": UNREADABLE, "version `341.10`": NAMED}.get(field, READ)
    reads_numbers = any(words in way for words in ("bare numbers", "--conn-uri", "env file"))
    if Version("3.2") > AIRFLOW:
        reads_numbers |= "variable, URI" in way or "get_uri()" in way
    return NAMED if reads_numbers and field in ("id `12e4...`", "version `341.10`") else READ


@pytest.mark.skipif(AIRFLOW.release[:2] == (3, 2), reason="dag.test() runs no task on Airflow 3.2.2")
def test_each_field_is_read_as_it_was_meant_or_an_error_says_how_to_give_it() -> None:
    found = play()
    cells = [(way, field) for way in found for field in FIELDS]
    assert len(cells) == 20 * 13
    outcomes = {(way, field.name): outcome(field, found[way][field.name]) for way, field in cells}
    assert outcomes == {(way, field.name): expected(way, field.name) for way, field in cells}
