"""
Examine a real Zuora tenant, and print a report in Markdown that may be published.

``AIRFLOW_CONN_ZUORA_LIVE`` is the tenant's Airflow connection, as JSON or as a URI. Everything is read only,
unless ``ZUORA_LIVE_ACCEPT`` is the id of a Pending entity connection: **it is then accepted**.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile

CONNECTION, ACCEPT = "AIRFLOW_CONN_ZUORA_LIVE", "ZUORA_LIVE_ACCEPT"
EXAMPLE = (
    '{"conn_type": "zuora", "login": "<Client ID>", "password": "<Client Secret>", '
    '"extra": {"environment": "rest.test.zuora.com"}}'
)

TEST = "AIRFLOW__CORE__TEST_CONNECTION=Enabled airflow connections test zuora_live"


def main() -> int:
    """Examine the tenant; return 1 if a check failed."""
    if not os.environ.get(CONNECTION):
        print(f"Skipped: no tenant is given. Set {CONNECTION}, for example to\n{EXAMPLE}", file=sys.stderr)
        return 0
    logging.disable()  # the log of the client names entities
    from airflow_zuora.hooks.zuora import ZuoraHook
    from tests.live.examination import examine

    try:
        client = ZuoraHook("zuora_live").client
    except Exception:  # its text may contain names of the tenant
        print(f"{CONNECTION} is not a valid Airflow connection. To see why, run: {TEST}", file=sys.stderr)
        return 1
    report = examine(client, accept=os.environ.get(ACCEPT) or None)
    print(report.markdown())
    return 1 if report.failed else 0


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        os.environ["AIRFLOW_HOME"] = home  # before Airflow is imported, which writes its settings there
        sys.exit(main())
