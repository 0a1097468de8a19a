"""Laws of a request to stop, and of an exception, at any moment of a run: torque is off, and the run ends in order."""

import pytest
from interrupted import POLICIES, Interrupted

from sim2real.runtime.report import RunReport
from sim2real.runtime.states import State

ROBOTS = list(POLICIES)
MOMENTS = 10


def moments(name: str, overrides: tuple[str, ...] = ()) -> list[int]:
    """Events all over a run, more of them while motors are switched on."""
    whole = Interrupted(name, overrides=overrides)
    marks: dict[str, int] = {}
    enable, tick = whole.hardware.enable, whole.hardware.write

    def enabled() -> None:
        marks["before"] = whole.events
        enable()
        marks["after"] = whole.events

    whole.hardware.enable = enabled  # type: ignore[method-assign]
    whole.hardware.write = tick  # type: ignore[method-assign]
    report = whole.run()
    assert report.ok, report.reasons
    assert whole.emulated.snapshot()["torque_off"]
    begin, end = marks["before"], marks["after"] + 1
    steps = [max(1, (stop - start) // MOMENTS) for start, stop in ((1, begin), (begin, end), (end, whole.events))]
    return [
        *range(1, begin, steps[0]),
        *range(begin, end, steps[1]),
        *range(end, whole.events, steps[2]),
    ]


def ended_in_order(bench: Interrupted, report: RunReport) -> None:
    assert bench.driven() == set()
    assert bench.switched_on_after <= 1  # the frame that was on its way
    assert len(report.reasons) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ROBOTS)
def test_after_a_stop_no_motor_gets_torque_and_the_run_ends_ok(name):
    for at in moments(name):
        bench = Interrupted(name, at, lambda bench: bench.options.stop.stop("test"))
        report = bench.run()
        ended_in_order(bench, report)
        assert report.ok, (at, report.reasons)
        assert report.stopped_by in ("test", "duration")
        assert report.final_state in (State.DISCONNECTED, State.LIMP, State.READY, State.RUNNING)


@pytest.mark.slow
@pytest.mark.parametrize("name", ROBOTS)
def test_after_an_emergency_stop_no_motor_gets_torque_and_the_run_says_so(name):
    for at in moments(name):
        bench = Interrupted(name, at, lambda bench: bench.options.stop.emergency_stop("test"))
        report = bench.run()
        ended_in_order(bench, report)
        if report.final_state is State.ESTOP:
            assert report.reasons == ("emergency stop by test",)
        else:  # it came after the last tick: torque was on its way off
            assert report.ok, (at, report.reasons)


@pytest.mark.slow
@pytest.mark.parametrize("name", ROBOTS)
def test_an_exception_anywhere_leaves_torque_off_and_is_one_line(name):
    class BoomError(Exception):
        pass

    def fail(_bench: Interrupted) -> None:
        raise BoomError("boom")

    for at in moments(name):
        bench = Interrupted(name, at, fail)
        report = bench.run()
        assert bench.driven() == set(), at
        if report.final_state is State.FAULT:
            assert len(report.reasons) == 1, (at, report.reasons)
            (reason,) = report.reasons
            assert reason.startswith("fault: internal error: ")
            assert reason.endswith(" raised BoomError: boom")
        else:
            assert report.final_state is State.RUNNING  # it came while torque went off, which was done again
            assert all(reason.startswith("closing the ports raised BoomError") for reason in report.reasons)


@pytest.mark.slow
def test_a_stop_while_lowering_ends_it_with_torque_off():
    overrides = ("rest={pose: {elbow_flex: 60 deg}, speed: 0.5 rad/s, timeout: 5 s}",)
    for at in moments("so101", overrides)[-MOMENTS:]:
        bench = Interrupted("so101", at, lambda bench: bench.options.stop.stop("test"), overrides)
        report = bench.run()
        ended_in_order(bench, report)
        assert report.ok, (at, report.reasons)
