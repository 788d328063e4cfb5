"""Plays every operation under every fault, prints what came of it, and exits with 1 if a cell is wrong."""

from __future__ import annotations

import sys
import time
from collections import defaultdict

from tests.faults.cells import CELLS, Mode
from tests.faults.operations import OPERATIONS
from tests.faults.playing import Report, play_all


def print_tables(reports: list[Report]) -> None:
    """Print a table for each mode: a line for each fault, a column for each operation."""
    tables: defaultdict[Mode, defaultdict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    for report in reports:
        cell = CELLS[report.number]
        tables[cell.mode][cell.case.name][cell.operation.name] = report.shown
    names = [operation.name for operation in OPERATIONS]
    for mode in Mode:
        print(f"\nThe fault happens {mode}:\n\n{'':40}" + "".join(f"{name:22}" for name in names))
        for fault, line in tables[mode].items():
            print(f"{fault:40}" + "".join(f"{line.get(name, '-'):22}" for name in names))


def main() -> int:
    """Play, print and judge."""
    started = time.monotonic()
    reports = play_all()
    print_tables(reports)
    print("\nA cell: what the caller got, requests for it, and for a change whether it is done in Zuora.\n")
    wrong = [(CELLS[report.number], reason) for report in reports for reason in report.wrongs]
    for cell, reason in wrong:
        print(f"WRONG {cell.operation.name}, {cell.case.name}, {cell.mode}: {reason}")
    requests = [report.requests for report in reports]
    print(
        f"{len(reports)} cells, {sum(requests)} requests, at most {max(requests)} in a cell, "
        f"{sum(report.waits for report in reports)} waits that passed at once. Wrong: {len(wrong)}. "
        f"{time.monotonic() - started:.0f} seconds."
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
