"""The verdict on a run: why it is not ok, in words, and what else is to be said about it."""

from collections.abc import Mapping
from typing import Final

from sim2real.runtime.controller import Controller
from sim2real.runtime.states import State
from sim2real.runtime.telemetry import TelemetryLog

_HELD_MAX: Final = 0.01
"""Share of ticks without a reply that a healthy bus stays below."""


def reasons_of(controller: Controller, final_state: State, stopped_by: str, goal_missed: str) -> tuple[str, ...]:
    """Return why a run is not ok; none if it is.

    Args:
        controller: After the run.
        final_state: The state in which it ended.
        stopped_by: What ended it.
        goal_missed: Why the goal was not reached; empty where it was, or is not to be judged.
    """
    reasons = []
    if final_state is State.FAULT:
        reasons += [f"fault: {text}" for text in controller.faults.texts()]
    elif final_state is State.ESTOP:
        reasons.append(f"emergency stop by {stopped_by}")
    elif final_state is not State.RUNNING and stopped_by == "duration":
        reasons.append(f"the run ended in state {final_state.name}")
    elif goal_missed:
        reasons.append(goal_missed)
    if controller.torque.problem:
        reasons.append(controller.torque.problem)
    return tuple(reasons)


def log_reasons(log: TelemetryLog | None) -> tuple[str, ...]:
    """Return what is wrong with the log of a run."""
    return (log.error,) if log is not None and log.error else ()


def bus_warnings(ticks: int, held: int, missed: Mapping[str, int]) -> tuple[str, ...]:
    """Return what to say about lost replies, where there were more than a few.

    Args:
        ticks: Ticks of the run.
        held: Ticks in which the reply of a joint was missing.
        missed: Missed readings, by joint.
    """
    if held <= _HELD_MAX * ticks:
        return ()
    worst = max(missed, key=lambda name: missed[name], default="")
    of = f", most often of joint {worst}" if worst else ""
    return (f"a reply was missing in {held} of {ticks} ticks ({held / ticks:.1%}){of}: look at cable and adapter",)


def warnings_of(ticks: int, missed: int, log: TelemetryLog | None, controller: Controller) -> tuple[str, ...]:
    """Return what a person should know although the run may be ok."""
    warnings = []
    if missed:
        share = missed / (ticks + missed)
        warnings.append(
            f"{missed} of {ticks + missed} ticks were missed ({share:.2%}): this machine is too slow or too busy"
        )
    for term, count in controller.interventions.outside.items():
        warnings.append(f"the policy observed {term} outside the range seen in training in {count} ticks")
    if log is not None and log.dropped:
        warnings.append(f"{log.dropped} ticks are missing in the log: the disk did not keep up")
    if controller.poses.late_to_rest:
        warnings.append("the pose of rest was not reached in time; torque went off where the robot was")
    return tuple(warnings)
