from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from airflow_zuora.simulator.settings import Settings


def test_every_setting_is_documented() -> None:
    assert Settings.__doc__ is not None
    undocumented = [
        field.name for field in fields(Settings) if f":param {field.name}:" not in Settings.__doc__
    ]
    assert undocumented == []


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("repeat_accept", "maybe", "'success', 'rule', 'not_found'"),
        ("bad_entity_status", 500, "200, 400, 401, 403, None"),
        ("bad_entity_status", True, "200, 400"),
        ("wrong_secret_status", None, "401, 400"),
        ("concurrency", -1, "whole number from 0"),
        ("concurrency", 1.5, "whole number from 0"),
        ("concurrency", True, "whole number from 0"),
        ("token_lifetime", "60", "whole number from 0"),
        ("repeat_acept", "rule", "choose from accept_after_end"),
    ],
)
def test_a_wrong_value_is_refused_with_the_choices(name: str, value: Any, text: str) -> None:
    settings = Settings()
    with pytest.raises(ValueError, match=text):
        setattr(settings, name, value)
    with pytest.raises(ValueError, match=text):
        settings.update({name: value})
    assert settings == Settings()


def test_a_wrong_value_is_refused_by_the_constructor() -> None:
    with pytest.raises(ValueError, match="error_mode must be one of"):
        Settings(error_mode="sometimes")  # type: ignore[arg-type]  # the mistake under test


def test_an_update_with_one_wrong_value_changes_nothing() -> None:
    settings = Settings()
    with pytest.raises(ValueError, match="deny_result"):
        settings.update({"concurrency": 3, "deny_result": "gone"})
    assert settings.concurrency == 40


def test_settings_can_be_read_and_set_as_plain_data() -> None:
    settings = Settings(repeat_accept="rule", bad_entity_status=None)
    other = Settings()
    other.update(settings.as_dict())
    assert other == settings
