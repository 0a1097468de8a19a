"""What to do about what safety did in a run, and about what a run's figures show."""

from collections.abc import Mapping
from typing import Final

_OF_REASONS: Final = {
    "STALE_READING": "Replies are late or lost: look at the cable; `sim2real motors check` names a slow latency timer.",
    "EFFORT": "Something pushes or blocks the joint, or its motor is another model than the YAML says.",
    "ACTION_NOT_FINITE": "The policy gives no number: train it again; its observations may have left what it has seen.",
    "POSITION": "The joint went past its limits: calibrate it, or soften what drives it there.",
    "VELOCITY": "The joint moved faster than it may: train with a lower velocity_limit, or raise velocity_margin.",
    "TEMPERATURE": "The motor is too hot: let it cool, and lower effort_continuous or the load.",
    "VOLTAGE": "The supply leaves its range under load: a stronger supply or thicker cable, or a wider voltage_range.",
    "NOT_FINITE": "A reading is no number: the encoder or its cable is broken.",
    "COMMUNICATION_LOSS": "The joint fell silent: look at its cable and plug, then `sim2real motors scan`.",
    "MISSED_TICKS": "The computer was too slow: `sim2real doctor`, another --cpu, fewer programs beside it.",
    "MOTOR_FAULT": "The motor reports a fault of its own: `sim2real motors check` says which.",
    "TEMPERATURE_UNKNOWN": "Slow readings are lost: look at the cable.",
    "VOLTAGE_UNKNOWN": "Slow readings are lost: look at the cable.",
    "PORT_LOST": "The adapter vanished: look at its cable and plug, then `sim2real motors find`.",
    "START_POSE": "The start pose was not reached: something is in the way, or ready.timeout is too short.",
    "IMU_STALE": "The IMU sends too rarely: look at its cable, rate and baud rate.",
    "IMU_FROZEN": "The IMU repeats one sample: restart it.",
    "IMU_IMPLAUSIBLE": "The IMU sends what no sensor reads: look at its protocol and range.",
    "POSITION_JUMP": "The encoder jumped: look at its magnet and the horn, then calibrate again.",
    "BUS_LOSS": "A whole bus fell silent: look at its power and its adapter.",
    "DAMPING_TOO_LONG": "The robot was damped again and again: mend the cause of the other reasons.",
    "MISSED_SHARE": "The computer was too slow: `sim2real doctor`, another --cpu, fewer programs beside it.",
    "TRACKING": "The joint does not follow: it is held up, too weak, or its gains are too soft.",
    "JOINT_FROZEN": "The encoder is stuck, or the motor gives no torque: `sim2real motors test` with this joint.",
    "STALLED": "The joint runs against something: look at it, or raise stall_effort for a gripper.",
    "TILT": "The robot fell, or the IMU's mounting in the YAML is wrong.",
    "OPERATOR_LOST": "The operator's device fell silent: look at its battery and range.",
    "OBSERVATION_RANGE": "The policy saw what it was not trained on: widen the randomization, or look for the cause.",
    "SUPERVISOR_LOST": "The process that stops the motors was gone: look for what kills processes (memory?).",
    "INTERNAL_ERROR": "A part of the program raised an exception: the events have its message.",
}
_OF_LIMITS: Final = {
    "POSITION_TARGET": "The policy asks for angles outside the limits: penalise position_excess, or widen the limits.",
    "POSITION_STEP": "Targets jump: penalise action_rate, smooth the action, or raise velocity_limit.",
    "VELOCITY_TARGET": "The policy asks for more than velocity_limit.",
    "EFFORT": "The policy asks for more than effort_limit: that is often all right, and it was trained with it.",
    "POSITION_GUARD": "The joint is driven beyond a limit: penalise position_excess.",
    "VELOCITY_GUARD": "The joint is driven above its speed: penalise joint_velocity, or lower effort_limit.",
    "GAIN": "A gain is negative or above the joint's own.",
    "NOT_FINITE": "A target was no number: train the policy again.",
    "POSITION_ACCELERATION": "Targets accelerate beyond acceleration_limit: penalise action_rate.",
    "POSITION_JERK": "Targets change beyond jerk_limit: penalise action_rate.",
    "DERATING": "The motor is hot and gets less effort: less load, or pauses.",
}
_SUCCESS_LOW: Final = 0.8
_HELD: Final = 0.01
"""Share of ticks with a lost reply from which a bus is worth a look."""


def advice_on_run(
    reasons: Mapping[str, int], limits: Mapping[str, int], missed: int, held: int, ticks: int
) -> dict[str, str]:
    """Return what happened and what to do about it, the most frequent first.

    Args:
        reasons: Ticks in which safety blocked the policy, by reason.
        limits: Commands that safety limited, by limit.
        missed: Ticks that the machine was too slow for.
        held: Ticks in which a joint did not answer.
        ticks: All ticks.
    """
    found = {}
    for name, count in sorted(reasons.items(), key=lambda each: -each[1]):
        found[f"{_words(name)}, in {count} of {ticks} ticks"] = _OF_REASONS[name]
    for name, count in sorted(limits.items(), key=lambda each: -each[1]):
        found[f"commands limited: {_words(name)}, {count} times"] = _OF_LIMITS[name]
    if missed and not {"MISSED_TICKS", "MISSED_SHARE"} & set(reasons):
        found[f"{missed} of {ticks} ticks missed"] = _OF_REASONS["MISSED_TICKS"]
    if held > _HELD * ticks:
        found[f"no reply of a joint in {held} of {ticks} ticks"] = _OF_REASONS["STALE_READING"]
    return found


def advice_on_training(
    name: str, latest: Mapping[str, float], diverged: float, *, finished: bool, rising: bool
) -> dict[str, str]:
    """Return what a run's figures show and what to do about it.

    Args:
        name: The run, as a command line names it.
        latest: Latest figures of episodes.
        diverged: Simulations that diverged.
        finished: Whether the run exported its policy.
        rising: Whether the return still rose at the end.
    """
    found = {}
    if not finished:
        found["the run is not finished"] = f"Go on with it: sim2real train --resume {name}"
    success = latest.get("success")
    if success is not None and success < _SUCCESS_LOW:
        what = f"only {success:.0%} of the latest episodes succeeded"
        found[what] = (
            "The return still rises: train longer, with more steps."
            if rising
            else "The return no longer rises: look at the rewards below, and at `sim2real check` of the experiment."
        )
    if latest.get("terminated", 0.0) > 1.0 - _SUCCESS_LOW:
        found[f"{latest['terminated']:.0%} of the latest episodes were terminated"] = "The ends below say by what."
    if diverged:
        found[f"{diverged:.0f} simulations diverged"] = (
            f"Repeat one: sim2real reproduce {name}; a smaller physics.timestep often helps."
        )
    return found


def _words(name: str) -> str:
    return name.lower().replace("_", " ")
