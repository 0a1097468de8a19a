"""The signals of a run that a scenario can state expectations about: their names, units and meaning."""

from dataclasses import dataclass
from typing import Final, Literal

from sim2real.configs.schema.task import TaskConfig

Owner = Literal["run", "joint", "imu", "command"]


@dataclass(frozen=True)
class RunSignal:
    """One signal of a run.

    A signal of joints or IMUs has two kinds of names: `velocity` is that of every joint, `knee.velocity` that of one. A
    condition on every joint holds when it holds for each of them.
    """

    name: str
    description: str
    unit: str = ""
    """SI unit; empty for counts, words, and operator commands, which have the task's units."""
    of: Owner = "run"
    """What it has one value for."""
    words: tuple[str, ...] = ()
    """The values of a signal that is no number."""
    true: bool = False
    """Whether it is read inside the emulated robot; a real one cannot tell."""


STATES: Final = (
    "DISCONNECTED",
    "LIMP",
    "READY",
    "RUNNING",
    "DAMPING",
    "FAULT",
    "ESTOP",
    "LOWERING",
    "REACTING",
)
"""States of the runtime, see `sim2real.runtime.states`; a test compares them."""

SIGNALS: Final = (
    RunSignal("state", "state of the runtime", words=STATES),
    RunSignal("interventions", "number of interventions of the safety envelope so far"),
    RunSignal("held_ticks", "number of ticks so far in which a reading was missing and the last command was repeated"),
    RunSignal("missed_ticks", "number of ticks that the machine was too slow for, so far"),
    RunSignal("goal_distance", "distance from the task's goal, in its unit"),
    RunSignal("position", "measured joint angle", "rad", "joint"),
    RunSignal("velocity", "measured joint velocity", "rad/s", "joint"),
    RunSignal("effort", "measured joint torque", "N*m", "joint"),
    RunSignal("temperature", "measured motor temperature", "degC", "joint"),
    RunSignal("voltage", "measured supply voltage at the motor", "V", "joint"),
    RunSignal("command_position", "commanded joint angle, after limits", "rad", "joint"),
    RunSignal("command_effort", "commanded joint torque, after limits", "N*m", "joint"),
    RunSignal("tilt", "angle between the body of an IMU and upright, as the IMU measures it", "rad", "imu"),
    RunSignal("turn_rate", "speed of rotation that an IMU measures", "rad/s", "imu"),
    RunSignal("command", "operator command, in the task's units", of="command"),
    RunSignal("torque", "whether any motor is driven, read at the motors", words=("on", "off"), true=True),
    RunSignal("faults", "number of injected faults so far", true=True),
    RunSignal("true_position", "joint angle in the plant, whatever the encoder says", "rad", "joint", true=True),
    RunSignal("true_velocity", "joint velocity in the plant", "rad/s", "joint", true=True),
    RunSignal("true_temperature", "temperature of the winding", "degC", "joint", true=True),
    RunSignal("base_height", "height of the robot's base; plant mujoco, floating base", "m", true=True),
    RunSignal("base_tilt", "angle between the robot's base and upright; likewise", "rad", true=True),
    RunSignal("base_speed", "horizontal speed of the robot's base; likewise", "m/s", true=True),
)
"""Every signal; of joints, IMUs and commands once."""

_GOAL_UNIT: Final = {"joint": "rad", "upright": "rad", "tip": "m"}


def signals_of(task: TaskConfig) -> dict[str, RunSignal]:
    """Return the signals of a task's runs by every name that a condition may use."""
    robot = task.robot
    named: dict[str, RunSignal] = {}
    owners = {"joint": tuple(robot.joints), "imu": tuple(robot.imus), "command": tuple(task.commands)}
    for signal in SIGNALS:
        if signal.of == "command":
            named |= {f"command.{name}": signal for name in owners["command"]}
        elif signal.of != "run":
            if owners[signal.of]:
                named[signal.name] = signal
            named |= {f"{owner}.{signal.name}": signal for owner in owners[signal.of]}
        elif signal.name != "goal_distance":
            named[signal.name] = signal
        elif task.goal.kind in _GOAL_UNIT:
            unit = _GOAL_UNIT[task.goal.kind]
            named[signal.name] = RunSignal(signal.name, signal.description, unit)
    return named
