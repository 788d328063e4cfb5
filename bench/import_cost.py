"""What importing an operator costs a DAG file, beyond what importing Airflow costs anyway."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

INTERPRETERS = 7
OPERATORS = "import airflow_zuora.operators.entity_connection"
AIRFLOW = ("import airflow.sdk", "from airflow.sdk import BaseOperator")
PROGRAM = """
import time
{before}
started = time.process_time()
{statement}
print(time.process_time() - started)
"""


def milliseconds_of(statement: str, before: str) -> float:
    """Return the least processor time that a statement took after another one, in several interpreters."""
    program = PROGRAM.format(before=before, statement=statement)
    command = [sys.executable, "-c", program]
    times = []
    for _ in range(INTERPRETERS):
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        times.append(float(done.stdout.splitlines()[-1]))
    return min(times) * 1000


def main() -> None:
    """Print the cost of importing Airflow, and of importing the operators after it."""
    for before in AIRFLOW:
        print(f"{milliseconds_of(before, 'pass'):7.1f} ms: {before}")
        print(f"{milliseconds_of(OPERATORS, before):7.1f} ms: {OPERATORS}, after that")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        os.environ["AIRFLOW_HOME"] = home
        # What is measured is the import, not the compilation, whose result Python keeps.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = home
        main()
