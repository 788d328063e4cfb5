"""What is asked of a tenant: everything that reading can answer, and on demand one accept."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from functools import cached_property
from urllib.parse import parse_qsl, urlsplit

from airflow_zuora import __version__
from airflow_zuora.client.client import ZuoraClient
from airflow_zuora.client.entity_connections import EntityConnections
from airflow_zuora.exceptions import ZuoraAuthError
from airflow_zuora.get_provider_info import ENVIRONMENTS
from airflow_zuora.models import entity_hex
from tests.live.report import Report
from tests.live.wire import TRACK_ID, Exchange, Wire

LIST, ENTITIES = "/v1/entity-connections", "/v1/entities"
MADE_UP_ID = "0123456789abcdef" * 2
MADE_UP_ENTITY = "01234567-89ab-cdef-0123-456789abcdef"
OLD_VERSION = "341.0"  # from the time when each error came with HTTP 200
MOST_LISTS = 50  # that are read to find one of two pages
LIMITS = (
    *("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"),
    *("Concurrency-Limit-Type", "Concurrency-Limit-Limit", "Concurrency-Limit-Remaining"),
)
# Parts of the scope of a token whose values are the tenant's, and those whose values are rights.
IDS, RIGHTS = ("entity", "tenant", "user"), ("platform", "service")


class Examination:
    """
    The checks; each writes what it found into the report.

    :param client: A client of the tenant.
    :param wire: Sends single requests.
    :param report: Takes what is found.
    """

    def __init__(self, client: ZuoraClient, wire: Wire, report: Report) -> None:
        self.client = client
        self.wire = wire
        self.report = report
        self.found = report.found
        self.answers = report.answers

    @cached_property
    def scope(self) -> tuple[str, ...]:
        """The entities that the token names, as hyphenated UUIDs."""
        return self.client.oauth.token().entities

    @property
    def entity(self) -> str | None:
        """The entity that reads where any will do."""
        return self.client.acting_entity_id() if self.client.has_entity() else self.scope[0]

    def package(self) -> None:
        """Which package asks whom."""
        host = self.client.config.base_url.partition("://")[2]
        self.found["Package"] = f"airflow-zuora {__version__}"
        self.found["Environment"] = ENVIRONMENTS.get(host, "a host that is not in the list")
        self.found["Zuora-Version"] = self.client.config.zuora_version

    def token(self) -> None:
        """What comes with a token."""
        number = len(self.scope)  # the client's own token first: if it is refused, nothing else is asked
        answer = self._token()
        kinds = (word.partition(".")[0] for word in answer.words)
        words = Counter(kind if kind in (*IDS, *RIGHTS) else "other" for kind in kinds)
        limits = sorted(name for name in answer.headers if name.lower().startswith("x-ratelimit"))
        self.found["Token"] = self._shown(answer)
        self.found["Scope"] = ", ".join(f"{count} {word}" for word, count in words.items())
        self.found["Entities in the scope"] = f"{number}, as the client reads it"
        self.found["Limits of the token"] = ", ".join(limits) or "no header"

    def narrowed_token(self) -> None:
        """Whether the entity header narrows the token."""
        if len(self.scope) < 2:
            answer = "not answerable: it takes a client of several entities"
        else:
            narrowed = self._token(self.scope[-1])
            answer = f"HTTP {narrowed.status}: {narrowed.entities} of {len(self.scope)} entities"
        self.answers["Effect of Zuora-Entity-Ids on the token's scope"] = answer

    def entities(self) -> None:
        """Which fields an entity has, and whether the client sees all that it may act for."""
        entities = self.client.list_entities()
        for one in entities:
            self.report.hide("name", one.name, one.display_name)
        self.report.knows_names = True
        seen = {one.id for one in entities} & set(map(entity_hex, self.scope))
        statuses = Counter(one.status for one in entities)
        self.found["Entities"] = (
            f"{', '.join(f'{number} {self.report.word(one)}' for one, number in statuses.items())}; "
            f"{len(seen)} of the {len(self.scope)} in the scope are among them"
        )
        answer = self.wire.get(ENTITIES, self.entity)
        self.found["Fields of an entity"] = ", ".join(answer.fields["entities"][0])
        self.found["Compression of the entities"] = str(answer.headers.get("Content-Encoding"))

    def requests(self) -> None:
        """Whether the Pending requests of every entity can be listed."""
        pending = EntityConnections(self.client).pending_requests()
        targets = {row.target_entity_id for row in pending}
        self.found["Pending requests"] = f"{len(pending)} to {len(targets)} entities"

    def connections(self) -> None:
        """Which fields, statuses and headers a list has."""
        answer = self.wire.get(LIST, self.entity)
        statuses = Counter(str(row["status"]) for row in answer.fields["entityConnections"])
        self.found["List of one entity"] = self._shown(answer)
        self.found["Statuses in it"] = (
            ", ".join(f"{number} {self.report.word(one)}" for one, number in statuses.items()) or "none"
        )
        for name in LIMITS:
            self.found[name] = str(answer.headers.get(name))
        self.found["Zuora-Request-Id"] = f"{len(answer.headers.get('Zuora-Request-Id') or '')} characters"
        is_echo = answer.headers.get("Zuora-Track-Id") == TRACK_ID
        self.found["Zuora-Track-Id"] = "echoed" if is_echo else "not echoed"

    def next_page(self) -> None:
        """Where nextPage leads, in an entity that has two connections."""
        entities = self.scope[:MOST_LISTS] or (None,)
        for entity in entities:
            if url := self.wire.get(f"{LIST}?pageSize=1", entity).fields.get("nextPage"):
                self.answers["Shape of nextPage"] = self._address(url)
                break
        else:
            self.answers["Shape of nextPage"] = f"none of {len(entities)} entities has two connections"
            return
        for direction in ("inbound", "outbound"):
            if url := self.wire.get(f"{LIST}?pageSize=1&type={direction}", entity).fields.get("nextPage"):
                self.answers["Shape of nextPage"] += f"; with type={direction}: {self._address(url)}"

    def errors(self) -> None:
        """What comes back for an unknown id, path, filter and page size."""
        asked = {
            "an unknown entity": f"{ENTITIES}/{MADE_UP_ID}",
            "an unknown path": "/v1/there-is-no-such-path",
            "an id below the list": f"{LIST}/{MADE_UP_ID}",
            "an unknown type": f"{LIST}?type=both",
            "a page size above 300": f"{LIST}?pageSize=301",
        }
        answers = {what: self.wire.get(path, self.entity) for what, path in asked.items()}
        for what, answer in answers.items():
            self.found[f"GET of {what}"] = self._shown(answer)
        listed = ", ".join(
            f"{what}: {self._code(answer)}" for what, answer in answers.items() if LIST in asked[what]
        )
        self.answers["Error codes of the five operations"] = (
            f"of the list: {listed}. Those of the four changes are not answerable by reading"
        )

    def entity_header(self) -> None:
        """Which formats of the entity header are taken, and what happens without one."""
        if not self.scope:
            self.answers["Formats of the entity header"] = "not answerable: the scope names no entity"
            return
        entity = self.scope[0]
        formats = {"with hyphens": entity, "in capitals": entity.upper(), "32 hex digits": entity_hex(entity)}
        self.answers["Formats of the entity header"] = ", ".join(
            f"{name}: {self._code(self.wire.get(f'{LIST}?pageSize=1', value))}"
            for name, value in formats.items()
        )
        without = self.wire.get(f"{LIST}?pageSize=1")
        self.answers["Default of the entity header"] = (
            f"with {len(self.scope)} entities in the scope: {self._shown(without)}"
        )

    def wrong_entity(self) -> None:
        """What a made-up entity gets, also in a version that answers each error with HTTP 200."""
        versions = (self.client.config.zuora_version, OLD_VERSION)
        self.answers["HTTP status of 90000020"] = ", ".join(
            f"Zuora-Version {version}: {self._shown(self.wire.get(LIST, MADE_UP_ENTITY, version))}"
            for version in versions
        )

    def accept(self, connection_id: str) -> None:
        """Accept a request, once."""
        change = EntityConnections(self.client).accept(connection_id)
        after = EntityConnections(self.client).get([connection_id])[connection_id]
        sent = f"sent, {'with' if change.request_id else 'without'} a request id"
        self.found["Accept"] = (
            f"{change.previous_status} before, {self.report.word(after.raw_status)} after; "
            f"{sent if change.changed else 'nothing was left to do'}"
        )

    def _token(self, entity: str | None = None) -> Exchange:
        answer = self.wire.token(entity)
        self.report.hide("token", answer.fields.get("access_token"), answer.fields.get("jti"))
        for kind, _, value in (word.partition(".") for word in answer.words):
            # Not a number, such as of a tenant, which could also be a count; no message shows numbers.
            if kind not in RIGHTS and not value.isdecimal():
                self.report.hide(kind if kind in IDS else "scope", value)
        return answer

    def _code(self, answer: Exchange) -> str:
        code = answer.code
        return f"HTTP {answer.status}" + (f" code {self.report.word(code)}" if code else "")

    def _shown(self, answer: Exchange) -> str:
        return f"HTTP {answer.status}, {answer.kind or self.report.shape(answer.fields)}"

    def _address(self, url: str) -> str:
        parts, ours = urlsplit(url), urlsplit(self.client.config.base_url)
        host = "the connection's own host" if parts.netloc == ours.netloc else "another host"
        names = ", ".join(name for name, _ in parse_qsl(parts.query))
        return f"{f'absolute, {host}' if parts.netloc else 'relative'}, path {parts.path}, query {names}"


def examine(client: ZuoraClient, *, accept: str | None = None) -> Report:
    """
    Examine a tenant.

    :param client: A client of it.
    :param accept: The id of a Pending entity connection to accept; without it, everything is read only.
    """
    report, config = Report(), client.config
    report.hide("secret", config.client_id, config.client_secret)
    report.hide("address", config.base_url, config.base_url.partition("://")[2])
    report.hide("id", accept)
    with closing(client), closing(Wire(client)) as wire:
        asks = Examination(client, wire, report)
        checks = {
            "the package": asks.package,
            "the token": asks.token,
            "a token for one entity": asks.narrowed_token,
            "the entities": asks.entities,
            "the requests of every entity": asks.requests,
            "the list of one entity": asks.connections,
            "the next page": asks.next_page,
            "errors": asks.errors,
            "the entity header": asks.entity_header,
            "a wrong entity": asks.wrong_entity,
        }
        if accept is not None:
            checks["the accept"] = lambda: asks.accept(accept)
        for name, check in checks.items():
            try:
                check()
            except Exception as error:  # an answer that nobody expected, which is what the checks are for
                report.fail(name, error)
                if isinstance(error, ZuoraAuthError):
                    break  # each further check would be one more failed login
    return report
