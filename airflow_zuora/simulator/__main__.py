"""``python -m airflow_zuora.simulator``: serve until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_DEFAULT_PORT = 8765


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the simulator; give the exit code.

    Once it answers, the line on stdout sets the Airflow connection ``zuora_default`` in a shell.
    """
    options = _parser().parse_args(arguments)
    try:
        from airflow_zuora.simulator import ZuoraSimulator

        simulator = ZuoraSimulator(port=options.port, pending=options.pending).start()
    except ImportError as error:
        return _failed(str(error))
    except OSError as error:
        return _failed(f"Cannot listen on port {options.port}: {os.strerror(error.errno or 0)}")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    print(f"The status page is at {simulator.url}/ - Ctrl-C stops it", file=sys.stderr, flush=True)
    print(f"export AIRFLOW_CONN_ZUORA_DEFAULT={shlex.quote(simulator.connection_json())}", flush=True)
    stop.wait()
    simulator.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_zuora.simulator", description="A local Zuora for demos and tests."
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=_DEFAULT_PORT,
        help="TCP port on 127.0.0.1; 0 for any (default %(default)s)",
    )
    parser.add_argument(
        "--pending", type=_count, default=0, help="more Pending requests to the default entity (default 0)"
    )
    return parser


def _port(text: str) -> int:
    return _whole_number(text, 65_535)


def _count(text: str) -> int:
    return _whole_number(text, 100_000)


def _whole_number(text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > most:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to {most}")
    return int(text)


def _failed(reason: str) -> int:
    print(reason, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
