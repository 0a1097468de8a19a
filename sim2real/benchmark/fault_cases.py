"""The faults that a campaign injects: one entry a case, with what the runtime may make of it at most."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

import numpy as np

from sim2real.configs.schema.robot import RobotConfig

Random = np.random.Generator
Entry = dict[str, Any]
"""A fault as in YAML, without its times."""

_POLLED_S = 0.5  # how long a slow reading may take beyond its largest age
_RESTART_S = 0.3  # boot of a motor, and the next poll of its state


@dataclass(frozen=True)
class FaultCase:
    """One way in which a robot, its policy or its operator fails.

    Attributes:
        name: For ids and tables.
        kind: What fails: the emulated robot, the policy, the caller's hook; or nothing, but a signal or an operator
            asks for something.
        make: Returns the fault for a robot; for a policy the entry has its `kind` and parameters.
        latch_s: How long after its start the robot may still run while the fault persists, s; None if it may go on, for
            ever as far as the fault alone tells.
        mute: Whether the motors it concerns may not hear the runtime, or the runtime not them.
        needs_imu: Whether it is about an IMU that the policy depends on.
        blocks: Whether the loop may stand still in it, and the supervisor acts in its stead.
        needs_stops: Whether it may drive a joint against its mechanical stop, which only the robot's model has.
    """

    name: str
    kind: Literal["robot", "policy", "hook", "request", "operator"]
    make: Callable[[RobotConfig, Random], Entry]
    _: KW_ONLY
    latch_s: Callable[[RobotConfig], float | None] = lambda robot: None
    mute: bool = False
    needs_imu: bool = False
    blocks: bool = False
    needs_stops: bool = False


def cases_for(robot: RobotConfig) -> list[FaultCase]:
    """Return the cases that a robot can have."""
    return [case for case in CASES.values() if robot.imus or not case.needs_imu]


def _loss(robot: RobotConfig) -> float:
    return robot.safety.communication_loss


def _restart(robot: RobotConfig) -> float:
    return robot.safety.communication_loss + _RESTART_S


def _polled(robot: RobotConfig) -> float:
    return robot.safety.health_age_max + _POLLED_S


def _damped(robot: RobotConfig) -> float:
    stale = max((imu.stale_after for imu in robot.imus.values()), default=0.0)
    return robot.safety.damping_max + max(stale, robot.safety.communication_loss)


def _at_once(robot: RobotConfig) -> float:
    return 0.1


def _missed(robot: RobotConfig) -> float:
    return robot.safety.missed_share_window + 1.0


def _bus(robot: RobotConfig, random: Random) -> str:
    return str(random.choice(list(robot.buses)))


def _joint(robot: RobotConfig, random: Random) -> str:
    return str(random.choice(list(robot.joints)))


def _imu(robot: RobotConfig, random: Random) -> str:
    return str(random.choice(list(robot.imus)))


def _on_bus(kind: str, probability: tuple[float, float] | None = None) -> Callable[[RobotConfig, Random], Entry]:
    def make(robot: RobotConfig, random: Random) -> Entry:
        entry: Entry = {"kind": kind, "bus": _bus(robot, random)}
        return entry if probability is None else entry | {"probability": float(random.uniform(*probability))}

    return make


def _on_joint(kind: str) -> Callable[[RobotConfig, Random], Entry]:
    return lambda robot, random: {"kind": kind, "joint": _joint(robot, random)}


def _on_imu(kind: str) -> Callable[[RobotConfig, Random], Entry]:
    return lambda robot, random: {"kind": kind, "imu": _imu(robot, random)}


def _late(low: float, high: float, probability: float) -> Callable[[RobotConfig, Random], Entry]:
    def make(robot: RobotConfig, random: Random) -> Entry:
        delay = float(random.uniform(low, high))
        return {"kind": "delay_reply", "bus": _bus(robot, random), "delay": delay, "probability": probability}

    return make


def _other_id(robot: RobotConfig, random: Random) -> Entry:
    return {"kind": "wrong_id", "joint": _joint(robot, random), "id": int(random.integers(60, 100))}


def _sibling_id(robot: RobotConfig, random: Random) -> Entry:
    name = _joint(robot, random)
    bus = robot.joints[name].bus
    others = [joint.id for other, joint in robot.joints.items() if other != name and joint.bus == bus]
    return {"kind": "wrong_id", "joint": name, "id": int(random.choice(others)) if others else 77}


def _stuck(noise: float) -> Callable[[RobotConfig, Random], Entry]:
    return lambda robot, random: {"kind": "stuck_encoder", "joint": _joint(robot, random), "noise": noise}


def _slip(over: float) -> Callable[[RobotConfig, Random], Entry]:
    def make(robot: RobotConfig, random: Random) -> Entry:
        slip = float(random.choice([-1.0, 1.0]) * random.uniform(0.1, 1.0))
        return {"kind": "slipping_encoder", "joint": _joint(robot, random), "slip": slip, "over": over}

    return make


def _warming(robot: RobotConfig, random: Random) -> Entry:
    hot = robot.safety.temperature_max + float(random.uniform(3.0, 20.0))
    return {"kind": "warming", "joint": _joint(robot, random), "temperature": hot, "over": 0.5}


def _voltage(low: float, high: float) -> Callable[[RobotConfig, Random], Entry]:
    """Shares of the lowest voltage that the envelope allows, or above 1 of the highest."""

    def make(robot: RobotConfig, random: Random) -> Entry:
        share = float(random.uniform(low, high))
        return {"kind": "brown_out", "voltage": robot.safety.voltage_range[share > 1.0] * share}

    return make


def _policy(kind: str, low: float = 0.0, high: float = 0.0) -> Callable[[RobotConfig, Random], Entry]:
    return lambda robot, random: {"kind": kind, "value": float(random.uniform(low, high))}


def _robot(
    name: str,
    make: Callable[[RobotConfig, Random], Entry],
    latch_s: Callable[[RobotConfig], float | None] = lambda robot: None,
    *,
    mute: bool = False,
    needs_imu: bool = False,
    needs_stops: bool = False,
) -> FaultCase:
    return FaultCase(name, "robot", make, latch_s=latch_s, mute=mute, needs_imu=needs_imu, needs_stops=needs_stops)


_SOME = (0.02, 0.3)

CASES = {
    case.name: case
    for case in (
        _robot("lose_reply", _on_bus("lose_reply"), _loss, mute=True),
        _robot("lose_some_replies", _on_bus("lose_reply", _SOME), mute=True),
        _robot("corrupt_reply", _on_bus("corrupt_reply"), _loss, mute=True),
        _robot("corrupt_some_replies", _on_bus("corrupt_reply", _SOME), mute=True),
        _robot("truncate_reply", _on_bus("truncate_reply"), _loss, mute=True),
        _robot("truncate_some_replies", _on_bus("truncate_reply", _SOME), mute=True),
        _robot("duplicate_reply", _on_bus("duplicate_reply")),
        _robot("delay_little", _late(0.0002, 0.003, 1.0), mute=True),
        _robot("delay_ticks", _late(0.02, 0.1, 1.0), _loss, mute=True),
        _robot("delay_some", _late(0.005, 0.1, 0.1), mute=True),
        _robot("lose_instruction", _on_bus("lose_instruction"), _loss, mute=True),
        _robot("lose_some_instructions", _on_bus("lose_instruction", _SOME), mute=True),
        _robot("corrupt_instruction", _on_bus("corrupt_instruction"), _loss, mute=True),
        _robot("corrupt_some_instructions", _on_bus("corrupt_instruction", _SOME), mute=True),
        _robot("silent_bus", _on_bus("silent_bus"), _loss, mute=True),
        _robot("silent_buses", lambda robot, random: {"kind": "silent_bus"}, _loss, mute=True),
        _robot("echo", _on_bus("echo"), mute=True),
        _robot("noise", _on_bus("noise"), mute=True),
        _robot("block_write", _on_bus("block_write"), _loss, mute=True),
        _robot("unplug", _on_bus("unplug"), _loss, mute=True),
        _robot("unplug_all", lambda robot, random: {"kind": "unplug"}, _loss, mute=True),
        _robot("silent", _on_joint("silent"), _loss, mute=True),
        _robot("duplicate_id", _on_joint("duplicate_id"), mute=True),
        _robot("wrong_id", _other_id, _loss, mute=True),
        _robot("sibling_id", _sibling_id, _loss, mute=True),
        _robot("power_cycle", _on_joint("power_cycle")),
        _robot("brief_reset", _on_joint("brief_reset")),
        _robot("overload", _on_joint("overload")),
        _robot("stuck_encoder", _stuck(0.0), needs_stops=True),
        _robot("noisy_stuck_encoder", _stuck(0.003), needs_stops=True),
        _robot("jumping_encoder", _on_joint("jumping_encoder")),
        _robot("slipping_encoder", _slip(0.0)),
        _robot("slowly_slipping_encoder", _slip(0.5)),
        _robot("jammed", _on_joint("jammed")),
        _robot("overheat", _on_joint("overheat"), _polled),
        _robot("warming", _warming, _polled),
        _robot("stuck_temperature", _on_joint("stuck_temperature")),
        _robot("low_voltage", _voltage(0.75, 0.98), _polled),
        _robot("high_voltage", _voltage(1.02, 1.2), _polled),
        _robot("no_voltage", _voltage(0.05, 0.1), _restart, mute=True),
        _robot("weak_supply", lambda robot, random: {"kind": "weak_supply", "resistance": random.uniform(0.3, 3.0)}),
        _robot("imu_frozen", _on_imu("imu_frozen"), _damped, needs_imu=True),
        _robot("imu_nan", _on_imu("imu_nan"), _damped, needs_imu=True),
        _robot("imu_silent", _on_imu("imu_silent"), _damped, needs_imu=True),
        _robot("imu_spinning", _on_imu("imu_spinning"), needs_imu=True),
        _robot("imu_rotated", _on_imu("imu_rotated"), needs_imu=True),
        _robot("imu_drifting", _on_imu("imu_drifting"), needs_imu=True),
        _robot(
            "imu_unplugged",
            lambda robot, random: {"kind": "unplug", "bus": _imu(robot, random)},
            _damped,
            needs_imu=True,
        ),
        _robot(
            "imu_corrupt",
            lambda robot, random: {"kind": "corrupt_reply", "bus": _imu(robot, random)},
            needs_imu=True,
        ),
        _robot(
            "imu_late",
            lambda robot, random: {
                "kind": "delay_reply",
                "bus": _imu(robot, random),
                "delay": random.uniform(0.005, 0.3),
            },
            needs_imu=True,
        ),
        FaultCase("policy_nan", "policy", _policy("nan"), latch_s=_damped),
        FaultCase("policy_inf", "policy", _policy("inf"), latch_s=_damped),
        FaultCase("policy_raises", "policy", _policy("raises"), latch_s=_at_once),
        FaultCase("policy_shape", "policy", _policy("shape"), latch_s=_at_once),
        FaultCase("policy_saturated", "policy", _policy("saturated", -1.0, 1.0)),
        FaultCase("policy_huge", "policy", _policy("huge", -1e30, 1e30)),
        FaultCase("policy_slow", "policy", _policy("slow", 1.2, 3.0), latch_s=_missed, blocks=True),
        FaultCase("policy_stalls", "policy", _policy("stalls", 1.0, 3.0), latch_s=_missed, blocks=True),
        FaultCase("hook_raises", "hook", _policy("hook")),
        FaultCase("stop", "request", _policy("stop")),
        FaultCase("emergency_stop", "request", _policy("emergency")),
        FaultCase("operator_stop", "operator", _policy("stop")),
        FaultCase("operator_emergency", "operator", _policy("emergency")),
        FaultCase("operator_reset", "operator", _policy("reset", 0.02, 0.3)),
        FaultCase("operator_lost", "operator", _policy("lost")),
    )
}
"""All cases, by name."""
