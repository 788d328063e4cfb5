"""Plays all cells of the fault matrix at the same time, and judges each where it is played."""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from tests.faults.cells import CELLS, Played
from tests.faults.player import CLOCK, MODULES_WITH_A_CLOCK, Player
from tests.faults.rules import wrongs
from tests.helpers.bad_servers import closed_port, plain_server, self_signed_certificate

IDLE = 32  # players at a time that do little but wait for a timeout


@dataclass(frozen=True)
class Report:
    """What is told of a played cell; the cell itself cannot travel between processes."""

    number: int
    shown: str
    wrongs: tuple[str, ...]
    requests: int
    waits: int


_this_thread = threading.local()


def begin(ports: Mapping[str, int]) -> None:
    """Make a player for this thread; in this process, waits pass at once from now on."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.getLogger("airflow_zuora").setLevel(logging.CRITICAL)
    for name in MODULES_WITH_A_CLOCK:
        import_module(name).time = CLOCK  # type: ignore[attr-defined]
    _this_thread.player = Player(ports)


def play(number: int) -> Report:
    """
    Play a cell and judge it.

    One with a real time limit is wrong only if it is so three times: on a machine that stalls for a second, a
    request without the fault is too late as well.
    """
    for _ in range(3 if CELLS[number].case.is_late else 1):
        played = _this_thread.player.play(CELLS[number])
        reasons = tuple(wrongs(played))
        if not reasons:
            break
    shown = f"{'!! ' if reasons else ''}{show(played)}"
    return Report(number, shown, reasons, len(played.requests), len(played.waits))


def show(played: Played) -> str:
    """Write what the caller got, how often Zuora was asked, and what there is in Zuora now."""
    kind = type(played.error).__name__.removeprefix("Zuora").removesuffix("Error")
    outcome = "ok" if played.error is None else kind
    state = "" if not played.cell.operation.is_change else " done" if played.is_done else " same"
    return f"{outcome} {len(played.main)}{state}"


def play_all() -> list[Report]:
    """Play all cells: those that keep a processor busy in processes, those that wait in threads."""
    late = [number for number, cell in enumerate(CELLS) if cell.case.is_late]
    others = [number for number, cell in enumerate(CELLS) if not cell.case.is_late]
    with TemporaryDirectory() as folder, plain_server(self_signed_certificate(Path(folder))) as tls:
        ports = {"closed": closed_port(), "tls": tls.server_port}
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(os.cpu_count(), spawn, initializer=begin, initargs=(ports,)) as pool:
            reports = list(pool.map(play, others, chunksize=20))
        with ThreadPoolExecutor(IDLE, initializer=begin, initargs=(ports,)) as threads:
            reports += threads.map(play, late)
    return reports
