"""What importing an operator costs a DAG file, over what Airflow's own import costs it anyway."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

INTERPRETERS = 7
OURS = "import airflow_zuora.operators.entity_connection"
BEFORE = ("import airflow.sdk", "from airflow.sdk import BaseOperator")
PROGRAM = """
import time
{before}
started = time.perf_counter()
{ours}
print(time.perf_counter() - started)
"""


def milliseconds_of(statement: str, before: str) -> float:
    """Give the least time that a statement took after another one, of several fresh interpreters."""
    program = PROGRAM.format(before=before, ours=statement)
    command = [sys.executable, "-c", program]
    times = []
    for _ in range(INTERPRETERS):
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        times.append(float(done.stdout.splitlines()[-1]))
    return min(times) * 1000


def main() -> None:
    """Print one line for each starting point."""
    for before in BEFORE:
        print(f"{milliseconds_of(before, 'pass'):7.1f} ms: {before}")
        print(f"{milliseconds_of(OURS, before):7.1f} ms: {OURS}, after that")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        os.environ["AIRFLOW_HOME"] = home
        main()
