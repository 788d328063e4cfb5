"""Any sequence of actions keeps the connections consistent with a plain list of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from airflow_zuora.models import EntityConnectionStatus as Status
from airflow_zuora.simulator.errors import ZuoraError
from airflow_zuora.simulator.seed import FRANCE_ENTITY_ID, JAPAN_ENTITY_ID, UK_ENTITY_ID, US_ENTITY_ID
from airflow_zuora.simulator.settings import Settings
from airflow_zuora.simulator.store import Store

if TYPE_CHECKING:
    from airflow_zuora.simulator.records import Connection

ENTITIES = st.sampled_from([FRANCE_ENTITY_ID, JAPAN_ENTITY_ID, UK_ENTITY_ID, US_ENTITY_ID])
LEGAL = {
    (Status.PENDING, Status.CONNECTED),
    (Status.PENDING, Status.DISCONNECTED),
    (Status.CONNECTED, Status.DISCONNECTED),
    (Status.DISCONNECTED, Status.PENDING),
}


class ConnectionMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.store = Store()
        self.rows = {row.id: row.status for row in self.store.connections.all()}

    @rule(
        deny=st.sampled_from(["disconnected", "removed"]),
        again=st.sampled_from(["new", "same", "rule"]),
        duplicate=st.sampled_from(["rule", "new", "same"]),
    )
    def change_settings(self, deny: str, again: str, duplicate: str) -> None:
        self.store.settings.update({"deny_result": deny, "reinitiate": again, "duplicate_request": duplicate})

    @rule(pair=st.tuples(ENTITIES, ENTITIES))
    def ask(self, pair: tuple[str, str]) -> None:
        source, target = pair
        try:
            row = self.store.send_request(source, target)
        except ZuoraError:
            return
        assert source != target
        assert row.status in (Status.PENDING, Status.CONNECTED)
        self.rows.setdefault(row.id, row.status)

    @rule(action=st.sampled_from(["accept", "deny", "disconnect"]), entity=ENTITIES, data=st.data())
    def act(self, action: str, entity: str, data: st.DataObject) -> None:
        row = data.draw(st.sampled_from(self.store.connections.all()))
        try:
            getattr(self.store.connections, action)(row.id, entity)
        except ZuoraError:
            return
        assert entity in (row.source_entity_id, row.target_entity_id)
        assert action == "disconnect" or entity == row.target_entity_id

    @invariant()
    def statuses_change_only_in_legal_steps(self) -> None:
        now = {row.id: row.status for row in self.store.connections.all()}
        for id_, status in now.items():
            before = self.rows[id_]
            assert status is before or (before, status) in LEGAL
        for id_ in self.rows.keys() - now.keys():
            assert self.rows[id_] is Status.PENDING, "only a denied request can vanish"
        self.rows = now

    @invariant()
    def lists_of_the_entities_agree_with_the_rows(self) -> None:
        rows = self.store.connections.all()
        for entity in self.store.entities.all():
            inbound = [row for row in rows if row.target_entity_id == entity.id]
            outbound = [row for row in rows if row.source_entity_id == entity.id]
            assert self.page(entity.id, "inbound") == inbound
            assert self.page(entity.id, "outbound") == outbound
            assert {r.id for r in self.page(entity.id, None)} == {r.id for r in inbound + outbound}

    def page(self, entity_id: str, direction: str | None) -> list[Connection]:
        rows, more = self.store.connections.page(entity_id, direction, 0, 10_000)
        assert not more
        return list(rows)


ConnectionMachine.TestCase.settings = hypothesis_settings(
    max_examples=40, stateful_step_count=25, deadline=None, database=None
)
TestConnections = ConnectionMachine.TestCase


def test_settings_are_not_shared_between_stores() -> None:
    first, second = Store(Settings()), Store()
    first.settings.concurrency = 1
    assert second.settings.concurrency == 40
