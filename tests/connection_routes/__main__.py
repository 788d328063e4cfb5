"""Gives each field of a connection in each way, prints what the hook reads, and fails if it misreads one."""

from __future__ import annotations

import sys

from tests.connection_routes.fields import FIELDS
from tests.connection_routes.table import outcome, play, print_table


def main() -> int:
    """Play, print and judge."""
    found = play()
    outcomes = {
        way: {field.name: outcome(field, line[field.name]) for field in FIELDS} for way, line in found.items()
    }
    print_table(outcomes)
    return int(any("WRONG" in cell for line in outcomes.values() for cell in line.values()))


if __name__ == "__main__":
    sys.exit(main())
