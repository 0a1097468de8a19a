"""Names the emulator as a possible cause of a fault for want of replies, when the machine gave it no processor."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, Protocol

from sim2real.hardware.errors import HardwareError
from sim2real.runtime.interventions import SafetyEvent
from sim2real.runtime.report import RunReport
from sim2real.runtime.states import State
from sim2real.runtime.verdict import Reason

LATE_REPLIES: Final = (
    Reason.STALE_READING | Reason.COMMUNICATION_LOSS | Reason.BUS_LOSS | Reason.IMU_STALE | Reason.PORT_LOST
)
"""Faults of replies that come late or not at all. Damping for too long is none: it names what it damped for."""


class Emulator(Protocol):
    """An emulator in a process of its own."""

    def starved(self) -> str:
        """Return how often and for how long the machine gave it no processor; empty if it always did."""
        ...

    def warnings(self) -> list[str]:
        """Return its warnings so far."""
        ...


def with_emulator(report: RunReport, emulator: Emulator) -> RunReport:
    """Return the report of a run with the emulator's warnings; a fault that it may have brought about names it."""
    reasons, starved = report.reasons, emulator.starved()
    if starved and report.final_state is State.FAULT:
        reasons = tuple(_blamed(reason, starved) if _of_late_replies(reason) else reason for reason in reasons)
    return replace(report, reasons=reasons, warnings=(*report.warnings, *emulator.warnings()))


@contextmanager
def blaming(emulator: Emulator) -> Iterator[None]:
    """Let an error of the hardware in this block name the emulator, if it was starved."""
    try:
        yield
    except HardwareError as error:
        starved = emulator.starved()
        if not starved:
            raise
        raise type(error)(_blamed(str(error), starved)) from error


def _blamed(text: str, starved: str) -> str:
    return f"{text}; a possible cause: the emulator was {starved}"


def _of_late_replies(reason: str) -> bool:
    return _PATTERN.match(reason) is not None


def _as_written(reason: Reason, part: str) -> str:
    """Return a pattern of how the report of a run begins that names this fault of a part, or of the whole robot."""
    text = f"fault: {SafetyEvent(0, reason.name or '', part, 0.0, 0.0)}"
    return re.escape(text.partition(": 0")[0]).replace(_PART, r"\S+")


_PART = "PART"
_PATTERN = re.compile("|".join(_as_written(reason, part) for reason in LATE_REPLIES for part in (_PART, "")))
