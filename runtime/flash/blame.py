"""Whether the end of a run is the policy's doing: what a trial counts."""

from collections.abc import Iterable
from typing import Final

from sim2real.runtime.report import RunReport
from sim2real.runtime.states import State
from sim2real.runtime.verdict import Reason

OF_THE_POLICY: Final = (
    Reason.ACTION_NOT_FINITE
    | Reason.OBSERVATION_RANGE
    | Reason.POSITION
    | Reason.VELOCITY
    | Reason.TRACKING
    | Reason.STALLED
    | Reason.TILT
)
"""What a policy brings about by its actions.

The rest is about the robot: power, temperature, motors, wires, IMUs, encoders, the operator's device, and the start
pose, which is reached before the policy acts. Missed ticks are about the machine: how long an action takes was tried
before the policy was installed. EFFORT, DAMPING_TOO_LONG and INTERNAL_ERROR may be about both, and decide nothing by
themselves.
"""

OF_THE_ROBOT: Final = (
    Reason.TEMPERATURE
    | Reason.TEMPERATURE_UNKNOWN
    | Reason.VOLTAGE
    | Reason.VOLTAGE_UNKNOWN
    | Reason.COMMUNICATION_LOSS
    | Reason.BUS_LOSS
    | Reason.PORT_LOST
    | Reason.MOTOR_FAULT
    | Reason.IMU_STALE
    | Reason.IMU_FROZEN
    | Reason.IMU_IMPLAUSIBLE
    | Reason.POSITION_JUMP
    | Reason.JOINT_FROZEN
    | Reason.NOT_FINITE
    | Reason.STALE_READING
    | Reason.START_POSE
    | Reason.OPERATOR_LOST
    | Reason.SUPERVISOR_LOST
)
"""Where one of these was seen, the policy is not blamed for what else was: a robot without power falls, too."""

_RAISED: Final = "internal error: the policy raised"


def blamed(report: RunReport) -> str | None:
    """Return what a policy is blamed for after a run, None where the run says nothing against it.

    Only a fault counts; an end by a person, a signal, the time or the emergency stop never does.
    """
    if report.final_state is not State.FAULT:
        return None
    seen = _reasons(report.interventions)
    if any(_RAISED in reason for reason in report.reasons):
        return "it raised an error"
    if seen & Reason.ACTION_NOT_FINITE:  # whatever it observed
        return _words(Reason.ACTION_NOT_FINITE)
    if seen & OF_THE_ROBOT or not seen & OF_THE_POLICY:
        return None
    return ", ".join(_words(reason) for reason in Reason if reason & seen & OF_THE_POLICY)


def ending(report: RunReport) -> str:
    """Return in words how a run ended."""
    return "; ".join(report.reasons) or report.stopped_by


def _reasons(names: Iterable[str]) -> Reason:
    found = Reason(0)
    for name in names:
        if name in Reason.__members__:
            found |= Reason[name]
    return found


def _words(reason: Reason) -> str:
    return str(reason.name).lower().replace("_", " ")
