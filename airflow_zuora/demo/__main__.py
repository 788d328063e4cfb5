"""Run a simulated Zuora, a real Airflow and the example DAGs with one command: ``make demo``."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from airflow_zuora.demo.guardian import Guardian, clean_up_after_others

if TYPE_CHECKING:
    from collections.abc import Sequence

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STOP_SECONDS = 10  # more than Airflow needs to stop


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the demo.

    :param arguments: Command line, default ``sys.argv``.
    :return: Exit status: 0; 1 if the demo failed, or ``--auto`` did not get as far as a right result; 2 if an
        option is wrong.
    """
    parser = argparse.ArgumentParser(
        prog="python -m airflow_zuora.demo", description=__doc__, exit_on_error=False
    )
    parser.add_argument(
        "--auto",
        action="store_true",
        help="approve through Airflow's REST API, check the result, and exit; on free ports",
    )
    parser.add_argument("--airflow-port", type=_port, default=8080, help="port of Airflow, default 8080")
    parser.add_argument("--zuora-port", type=_port, default=8765, help="port of the simulator, default 8765")
    try:
        options = parser.parse_args(arguments)
    except argparse.ArgumentError as error:
        print(f"{error}; see --help", file=sys.stderr)
        return 2
    parent = os.getppid()
    clean_up_after_others()  # whose ports may be in the way
    ports = (
        {} if options.auto else {"--zuora-port": options.zuora_port, "--airflow-port": options.airflow_port}
    )
    for option, port in ports.items():
        if problem := _problem_with(port):
            print(f"Port {port} {problem}; choose another one with {option}.", file=sys.stderr)
            return 1
    if options.zuora_port == options.airflow_port:
        print("Both servers have the same port; choose another one with --zuora-port.", file=sys.stderr)
        return 1
    _bypass_proxies()
    # Until somebody sees to it, nothing may end the demo.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)
    for number in ENDINGS:
        signal.signal(number, _interrupt)
    guardian = Guardian()
    # Not before the ports were checked: it imports Airflow, which takes time and writes to the terminal.
    from airflow_zuora.demo.tour import run

    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDINGS)
        threading.Thread(target=_watch_parent, args=(parent,), daemon=True).start()
        return run(guardian.folder, *(ports.values() or (0, 0)), auto=options.auto)
    except KeyboardInterrupt:
        if options.auto:
            print("The demo was ended before its result was checked.", file=sys.stderr)
        return 1 if options.auto else 0
    except (OSError, RuntimeError) as error:
        print(f"The demo failed: {error}", file=sys.stderr)
        return 1
    finally:
        signal.alarm(0)
        guardian.finish()
        with suppress(OSError):  # the terminal may be gone
            print("The demo has ended, and nothing is left behind.", flush=True)


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, 1 to 65535")
    return int(text)


def _problem_with(port: int) -> str | None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            return "may not be used"
        except OSError:
            return "is taken"
    return None


def _bypass_proxies() -> None:
    """Let the parts of the demo reach each other directly where the environment names a proxy."""
    others = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    os.environ["no_proxy"] = f"{others},127.0.0.1" if others else "127.0.0.1"


def _interrupt(*_: object) -> None:
    """End the demo, once: what comes after the first Ctrl-C must not interrupt the clean-up."""
    for number in ENDINGS:
        signal.signal(number, signal.SIG_IGN)
    # Python drops an exception that is raised in a finalizer, so an alarm raises this one again.
    signal.signal(signal.SIGALRM, _interrupt)
    signal.alarm(STOP_SECONDS)
    raise KeyboardInterrupt


def _watch_parent(parent: int) -> None:
    """End the demo when the process that started it is gone, such as make or a shell."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    status = main()
    with suppress(OSError):  # the terminal may be gone
        sys.stdout.flush()
    os._exit(status)  # while Python ends in the usual way, Ctrl-C would kill it again
