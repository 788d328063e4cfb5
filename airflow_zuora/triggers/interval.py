"""How long to wait between two reads."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow_zuora.exceptions import ZuoraValueError
from airflow_zuora.texts import shorten


def check_interval(interval: Any, what: str = "poll_interval") -> float:
    """
    Check an interval.

    :param interval: A number of seconds, or a timedelta.
    :param what: The parameter's name, for the error.
    :return: Seconds.
    :raises ZuoraValueError: Unless it is positive and finite.
    """
    seconds = 0.0
    if isinstance(interval, timedelta):
        seconds = interval.total_seconds()
    elif isinstance(interval, (int, float)) and not isinstance(interval, bool):
        try:
            seconds = timedelta(seconds=interval).total_seconds()
        except (ValueError, OverflowError):  # nan, inf, and more than timedelta can hold
            seconds = 0.0
    if seconds <= 0:
        raise ZuoraValueError(
            f"{what} must be a positive number of seconds or a timedelta, not {shorten(interval)}"
        )
    return seconds
