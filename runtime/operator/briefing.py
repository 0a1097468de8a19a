"""`Briefing`: what the processes beside a run are told of it when they start."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Self

from sim2real.configs.schema.robot import RobotConfig
from sim2real.runtime.contract.spec import CommandSpec, Contract


@dataclass(frozen=True)
class Briefing:
    """The run that a view shows and an operator's device commands. It travels as one line of JSON."""

    robot: str
    task: str
    control_rate: float
    """Hz"""
    joints: tuple[str, ...]
    """Names, in the order of every joint array of a tick."""
    imus: tuple[str, ...]
    commands: tuple[CommandSpec, ...]
    """Operator commands of the policy, in its order."""
    temperature_max: float
    """°C"""
    voltage_ranges: tuple[tuple[float, float], ...]
    """V, for each joint."""
    duration: float | None = None
    """s of policy; None until stopped."""
    waits: bool = False
    """Whether the run waits for a start before it switches torque on."""

    @classmethod
    def of(cls, contract: Contract, robot: RobotConfig, *, duration: float | None = None, waits: bool = False) -> Self:
        """Return the briefing of a policy on a robot."""
        return cls(
            robot=robot.name,
            task=contract.task,
            control_rate=contract.control_rate,
            joints=contract.joint_names,
            imus=tuple(imu.name for imu in contract.robot.imus),
            commands=contract.commands,
            temperature_max=robot.safety.temperature_max,
            voltage_ranges=tuple(robot.safety.voltages_at(joint.supply) for joint in robot.joints.values()),
            duration=duration,
            waits=waits,
        )

    def to_json(self) -> str:
        """Return it as one line of JSON."""
        return json.dumps(asdict(self) | {"commands": [command.model_dump() for command in self.commands]})

    @classmethod
    def of_json(cls, text: str) -> Self:
        """Return what `to_json` wrote."""
        data: dict[str, Any] = json.loads(text)
        lists = {name: tuple(data[name]) for name in ("joints", "imus")}
        lists["voltage_ranges"] = tuple((low, high) for low, high in data["voltage_ranges"])
        return cls(**data | lists | {"commands": tuple(CommandSpec(**each) for each in data["commands"])})
