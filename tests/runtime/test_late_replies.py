"""Laws of late replies: a fault for want of replies names a starved emulator, other faults and other runs do not."""

import os
import signal
import threading
from dataclasses import replace
from pathlib import Path

import pytest

import sim2real
from sim2real.hardware.errors import HardwareError, PortLostError
from sim2real.runtime.interventions import SafetyEvent
from sim2real.runtime.late_replies import LATE_REPLIES, blaming, with_emulator
from sim2real.runtime.states import State
from sim2real.runtime.verdict import Reason

STARVED = "starved: the machine gave it no processor once for 4 ms or longer, at most 85 ms, 85 ms in all"
CAUSE = f"; a possible cause: the emulator was {STARVED}"


class FakeEmulator:
    def __init__(self, starved: str = STARVED):
        self.said = starved

    def starved(self):
        return self.said

    def warnings(self):
        return [f"emulator: {self.said}"] if self.said else []


@pytest.fixture(scope="module")
def report():
    return sim2real.run("pendulum_swingup", "pendulum", lockstep=True, plant="inertia", duration=0.1)


def faulted(report, *reasons, state=State.FAULT):
    return replace(report, reasons=reasons, final_state=state)


@pytest.mark.parametrize("reason", [one.name for one in LATE_REPLIES])
def test_a_fault_for_want_of_replies_names_the_emulator(report, reason):
    fault = f"fault: {SafetyEvent(0, reason, 'pivot', 0.3, 0.2)}"
    found = with_emulator(faulted(report, fault, "goal not reached"), FakeEmulator())
    assert found.reasons == (fault + CAUSE, "goal not reached")
    assert f"emulator: {STARVED}" in found.warnings


@pytest.mark.parametrize("reason", [one.name for one in Reason if one not in LATE_REPLIES])
def test_another_fault_does_not(report, reason):
    fault = f"fault: {SafetyEvent(0, reason, 'pivot', 0.3, 0.2)}"
    assert with_emulator(faulted(report, fault), FakeEmulator()).reasons == (fault,)


def test_without_starvation_or_fault_the_reasons_stay(report):
    lost = f"fault: {SafetyEvent(0, 'COMMUNICATION_LOSS', 'pivot', 0.3, 0.2)}"
    assert with_emulator(faulted(report, lost), FakeEmulator("")).reasons == (lost,)
    assert with_emulator(faulted(report, lost, state=State.RUNNING), FakeEmulator()).reasons == (lost,)


@pytest.mark.parametrize("kind", [HardwareError, PortLostError])
def test_an_error_of_the_hardware_names_it_too(kind):
    with (
        pytest.raises(kind, match=r"^no answer; a possible cause: the emulator was starved: "),
        blaming(FakeEmulator()),
    ):
        raise kind("no answer")
    with pytest.raises(kind, match=r"^no answer$"), blaming(FakeEmulator("")):
        raise kind("no answer")


def emulator_pid() -> int:
    threads = Path("/proc/self/task").iterdir()
    children = [int(pid) for thread in threads for pid in (thread / "children").read_text().split()]
    return next(pid for pid in children if b"emulator.process_main" in Path(f"/proc/{pid}/cmdline").read_bytes())


@pytest.mark.realtime
def test_a_run_whose_emulator_was_stopped_says_why_it_ended():
    timers = []

    def stop_emulator(tick):
        if tick.number == 20:
            pid = emulator_pid()
            os.kill(pid, signal.SIGSTOP)
            timers.append(threading.Timer(0.4, os.kill, (pid, signal.SIGCONT)))
            timers[0].start()

    report = sim2real.run(
        "pendulum_swingup",
        "pendulum",
        emulate=True,
        plant="inertia",
        duration=20.0,
        real_time=False,
        on_tick=stop_emulator,
    )
    timers[0].join()
    assert report.final_state is State.FAULT
    assert "a possible cause: the emulator was starved: the machine gave it no processor" in report.reasons[0]
