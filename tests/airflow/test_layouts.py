"""A connection that a human rejected is never accepted, however approval and accept are laid out."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.airflow.plays import LAYOUTS, PLAYS
from tests.airflow.scenarios import Scenario, Stage

NOT_RUN = {"skipped", "failed", "upstream_failed"}


@pytest.fixture(scope="session")
def cleared(stage: Stage, played: Mapping[tuple[str, str], Scenario]) -> Mapping[str, Scenario]:
    rejected = {layout: played[layout, "last rejected"] for layout in LAYOUTS}
    for scenario in rejected.values():
        stage.clear(scenario, "review.accept" if scenario.dag_id == "mapped_group" else "accept")
    stage.wait(rejected.values())
    return rejected


def expected_statuses(layout: str, answers: tuple[str, ...]) -> list[str]:
    accepts = LAYOUTS[layout][1]
    return [
        "Connected"
        if index in accepts and all(answers[approval] == "Approve" for approval in accepts[index])
        else "Pending"
        for index in (0, 1)
    ]


@pytest.mark.parametrize("play", PLAYS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_only_what_was_approved_is_connected(
    stage: Stage, played: Mapping[tuple[str, str], Scenario], layout: str, play: str
) -> None:
    scenario = played[layout, play]
    expected = expected_statuses(layout, scenario.answers)
    assert stage.statuses(scenario) == expected
    for index, state in enumerate(stage.states(scenario)):
        assert (state == "success") == (expected[index] == "Connected"), stage.states(scenario)
        assert state == "success" or state in NOT_RUN


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_rejected_accept_that_is_cleared_alone_is_still_not_accepted(
    stage: Stage, cleared: Mapping[str, Scenario], layout: str
) -> None:
    scenario = cleared[layout]
    assert stage.statuses(scenario) == expected_statuses(layout, scenario.answers)


def test_a_rejected_request_is_skipped_and_not_failed(
    stage: Stage, played: Mapping[tuple[str, str], Scenario]
) -> None:
    for layout in LAYOUTS:
        states = stage.states(played[layout, "last rejected"])
        assert "failed" not in states, f"{layout}: {states}"


def test_an_approval_that_comes_by_expand_is_refused(
    stage: Stage, played: Mapping[tuple[str, str], Scenario]
) -> None:
    scenario = played["expanded_approval", ""]
    assert stage.states(scenario) == ["failed", "failed"]
    assert stage.statuses(scenario) == ["Pending", "Pending"]


@pytest.mark.parametrize(("default", "state"), [("approve", "failed"), ("reject", "skipped")])
def test_an_approval_that_timed_out_is_not_accepted_whatever_its_default(
    stage: Stage, played: Mapping[tuple[str, str], Scenario], default: str, state: str
) -> None:
    scenario = played[f"timed_out_{default}", ""]
    assert stage.states(scenario) == [state]
    assert stage.statuses(scenario) == ["Pending", "Pending"]


def test_four_eyes_takes_the_approval_of_another_person_only(
    stage: Stage, played: Mapping[tuple[str, str], Scenario]
) -> None:
    assert stage.states(played["four_eyes", "other"]) == ["success"]
    assert stage.states(played["four_eyes", "same"]) == ["failed"]
    assert stage.statuses(played["four_eyes", "same"]) == ["Pending", "Pending"]
