"""All DAG runs that are played side by side, before the tests look at what came of them."""

from __future__ import annotations

from airflow_zuora.simulator.records import Entity, new_id
from airflow_zuora.simulator.seed import (
    CANADA_ENTITY_ID,
    EMEA_ENTITY_ID,
    FRANCE_ENTITY_ID,
    JAPAN_ENTITY_ID,
    SOURCE_ENTITY_ID,
    UK_ENTITY_ID,
    US_ENTITY_ID,
)
from tests import hostile_names
from tests.airflow import troubles
from tests.airflow.scenarios import MARK_SUCCESS, Scenario, Stage

# Layout -> how many approvals it has, how many accepts, and which approvals each accept hangs on.
LAYOUTS: dict[str, tuple[int, dict[int, tuple[int, ...]]]] = {
    "unmapped": (1, {0: (0,)}),
    "mapped_by_expand": (2, {0: (0, 1), 1: (0, 1)}),
    "mapped_group": (2, {0: (0,), 1: (1,)}),
    "unmapped_to_mapped": (1, {0: (0,), 1: (0,)}),
    "mapped_to_unmapped": (2, {0: (0, 1)}),
    "several_approvers": (2, {0: (0, 1)}),
}
PLAYS = {
    "all approved": ("Approve", "Approve"),
    "last rejected": ("Approve", "Reject"),
    "last marked success by hand": ("Approve", MARK_SUCCESS),
}
ACCEPT = "accept_entity_connection"
REVIEW = "review_pending_connections"
CONNECT = "connect_entities"
EXPANDED = "expanded_list"
HOSTILE = hostile_names.NAMES[:2]  # a long name is for the tests that cost less
FAILURES = "failures"
# Who is not named here is left pending.
REVIEWED = {"Connect Acme France to Acme UK?": "Accept", "Connect Acme Japan to Acme UK?": "Deny"}


def all_plays(stage: Stage) -> dict[tuple[str, str], Scenario]:
    """Make the scenarios, by DAG and what happens in it; a short one first, then the slow ones."""
    ask = {
        source: [stage.zuora.send_request(source, UK_ENTITY_ID)]
        for source in (SOURCE_ENTITY_ID, US_ENTITY_ID, CANADA_ENTITY_ID, FRANCE_ENTITY_ID, JAPAN_ENTITY_ID)
    }
    stage.zuora.store.connections.deny(*ask[CANADA_ENTITY_ID], UK_ENTITY_ID)
    hostile = [send_hostile_requests(stage, name) for name in HOSTILE]
    layouts = {
        (layout, play): Scenario(layout, answers[-approvals:])
        for layout, (approvals, _) in LAYOUTS.items()
        for play, answers in PLAYS.items()
    }
    return {
        (ACCEPT, "approved"): Scenario(ACCEPT, ("Approve",), connection_ids=ask[SOURCE_ENTITY_ID]),
        ("timed_out_approve", ""): Scenario("timed_out_approve", ()),
        ("timed_out_reject", ""): Scenario("timed_out_reject", ()),
        (ACCEPT, "rejected"): Scenario(ACCEPT, ("Reject",), connection_ids=ask[US_ENTITY_ID]),
        (ACCEPT, "closed"): Scenario(ACCEPT, (), connection_ids=ask[CANADA_ENTITY_ID]),
        (ACCEPT, "unknown"): Scenario(ACCEPT, (), connection_ids=["f" * 32]),
        (REVIEW, ""): Scenario(
            REVIEW,
            REVIEWED,
            conf={},
            connection_ids=[*ask[FRANCE_ENTITY_ID], *ask[JAPAN_ENTITY_ID], *ask[US_ENTITY_ID]],
        ),
        (CONNECT, ""): Scenario(CONNECT, ("Accept",), conf={"target_entity_id": UK_ENTITY_ID}),
        (FAILURES, ""): Scenario(FAILURES, (), conf={"connections": troubles.SHOWN}),
        (ACCEPT, "hostile"): Scenario(ACCEPT, ("Reject",), connection_ids=hostile[:1]),
        (EXPANDED, ""): Scenario(EXPANDED, ("Reject",) * len(hostile), conf={}),
        **layouts,
        ("expanded_approval", ""): Scenario("expanded_approval", ("Approve", "Approve")),
        ("four_eyes", "same"): Scenario("four_eyes", ("Approve",), triggered_by="ann"),
        ("four_eyes", "other"): Scenario("four_eyes", ("Approve",)),
    }


def send_hostile_requests(stage: Stage, name: str) -> str:
    """Make an entity and let it ask Acme EMEA, and Acme UK; give the id of the latter request."""
    entity = stage.zuora.store.entities.add(Entity(new_id(), name, name, SOURCE_ENTITY_ID))
    stage.zuora.send_request(entity.id, EMEA_ENTITY_ID)
    return stage.zuora.send_request(entity.id, UK_ENTITY_ID)
