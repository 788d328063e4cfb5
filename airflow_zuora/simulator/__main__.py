"""``python -m airflow_zuora.simulator``: serve until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import signal
import sys
import threading
from typing import TYPE_CHECKING, NoReturn

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

        simulator = ZuoraSimulator(
            port=options.port, pending=options.pending, roll_out=options.roll_out, hosts=tuple(options.host)
        ).start()
    except ImportError as error:
        return _failed(str(error))
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        return _failed(f"Cannot listen on port {options.port}: {reason}; choose another with --port")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    print(f"The status page is at {simulator.url}/ - Ctrl-C stops it", file=sys.stderr, flush=True)
    print(f"export AIRFLOW_CONN_ZUORA_DEFAULT={shlex.quote(simulator.connection_json())}", flush=True)
    stop.wait()
    simulator.stop()
    return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say on one line what is wrong."""
        self.exit(2, f"{self.prog}: {message}; see --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
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
    parser.add_argument(
        "--roll-out",
        type=_targets,
        default=0,
        help="more entities, each with a Pending request from Acme Corporation (default 0, at most 501)",
    )
    parser.add_argument(
        "--host",
        type=_host,
        action="append",
        default=[],
        help="a further name that leads to it, such as that of a proxy; may be given several times",
    )
    return parser


def _host(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a host name")
    return text


def _port(text: str) -> int:
    return _whole_number(text, 65_535)


def _targets(text: str) -> int:
    return _whole_number(text, 501)  # with the seeded entities, Zuora's maximum of 512


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
