"""What can be looked at: a robot's joints, a task with a policy or without, a log."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import mujoco
import numpy as np

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.configs.schema.randomization import RandomizationConfig
from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.clock import NS_PER_S
from sim2real.model.check_lines import model_lines
from sim2real.plant import MujocoPlant
from sim2real.runtime.log import read_log
from sim2real.runtime.tick_fields import FIELD, array_of
from sim2real.simulation.simulation import Simulation
from sim2real.training.actor import Act, forget
from sim2real.training.environment_interface import Floats

_LOG_RATE = 50.0  # pictures a second of a log's time
_SHOWN_MAX = 6  # numbers of a parameter


@dataclass(frozen=True)
class Control:
    """A number that whoever looks can set."""

    name: str
    low: float
    high: float
    value: float


class Show(Protocol):
    """Something that moves in a model."""

    @property
    def title(self) -> str:
        """One line."""
        ...

    @property
    def model(self) -> mujoco.MjModel:
        """The model."""
        ...

    @property
    def data(self) -> mujoco.MjData:
        """The state; always the same object, with everything computed that is drawn."""
        ...

    @property
    def period_s(self) -> float:
        """Time of one step, s."""
        ...

    @property
    def controls(self) -> tuple[Control, ...]:
        """What can be set, with its first value."""
        ...

    @property
    def moves(self) -> bool:
        """Whether it goes on by itself."""
        ...

    def put(self, name: str, value: float) -> None:
        """Set one of the controls."""
        ...

    def step(self) -> None:
        """Go on by one step."""
        ...

    def restart(self) -> None:
        """Begin again."""
        ...

    def lines(self) -> list[str]:
        """What is to be read beside it, now."""
        ...

    def drawn(self) -> list[str]:
        """What was drawn for it, one parameter a line."""
        ...


class RobotShow:
    """A robot's joints, moved by hand; nothing is simulated."""

    def __init__(self, robot: RobotConfig) -> None:
        plant = MujocoPlant(robot)
        self.title, self.moves = f"robot {robot.name}", False
        self.model, self.data = plant.model, plant.data
        self.period_s = 0.05
        self._start, self._names = plant.start, list(robot.joints)
        self._position = np.array([joint.default_position for joint in robot.joints.values()])
        self._home = self._position.copy()
        degrees = {name: np.degrees(joint.position_limits) for name, joint in robot.joints.items()}
        self.controls = tuple(
            Control(f"{name}, deg", float(low), float(high), float(np.degrees(home)))
            for (name, (low, high)), home in zip(degrees.items(), self._home, strict=True)
        )
        self._checks = list(model_lines(plant.model, plant.start, robot))
        self._place()

    def put(self, name: str, value: float) -> None:
        """Set a joint, degrees."""
        self._position[self._names.index(name.removesuffix(", deg"))] = np.radians(value)
        self._place()

    def step(self) -> None:
        """Nothing moves by itself."""

    def restart(self) -> None:
        """Return to the start pose."""
        self._position[:] = self._home
        self._place()

    def lines(self) -> list[str]:
        """Return the model's check lines."""
        return self._checks or ["nothing to look at in its model"]

    def drawn(self) -> list[str]:
        """Nothing is."""
        return []

    def _place(self) -> None:
        self.data.qpos[:] = self._start.place(self._position[None, :])[0]
        mujoco.mj_forward(self.model, self.data)


class TaskShow:
    """Episodes of a task in simulation.

    Args:
        task: The task.
        randomization: What episodes differ by.
        act: The policy; None acts at zero.
        title: One line.
        seed: Of the episodes.
        privileged: Whether the policy sees the privileged values after its observation.
    """

    def __init__(
        self,
        task: TaskConfig,
        randomization: RandomizationConfig,
        act: Act | None,
        title: str,
        seed: int = 0,
        *,
        privileged: bool = False,
    ) -> None:
        self.title, self.moves = title, True
        self._simulation = Simulation(task, randomization, 1, seed=seed, threads=1)
        self._act: Act = act if act is not None else self._idle
        self._privileged = privileged
        self.model = self._simulation.batch.model
        self.data = mujoco.MjData(self.model)
        self.period_s = 1.0 / task.control_rate
        self._commands = [command.name for command in self._simulation.contract.commands]
        self._held: dict[str, float] = {}
        self._one = np.zeros(1, np.intp)
        self._episode, self._steps, self._return = 0, 0, 0.0
        self._last = ""
        self._begin()

    @property
    def controls(self) -> tuple[Control, ...]:
        """The operator's commands, SI units; each is the task's own until it is set."""
        given = self._simulation.contract.commands
        return tuple(Control(command.name, command.low, command.high, command.default) for command in given)

    def put(self, name: str, value: float) -> None:
        """Hold a command at a value."""
        self._held[name] = value
        self._hold()

    def step(self) -> None:
        """Advance one control step; an episode that ends is followed by the next."""
        simulation = self._simulation
        ended = simulation.step(self._act(simulation.transition.seen(privileged=self._privileged)))
        self._steps += 1
        self._return += float(simulation.transition.reward[0])
        if len(ended):
            why = "failed" if simulation.transition.terminated[0] else "in full"
            self._last = f"the episode before: return {self._return:.2f}, {self._steps * self.period_s:.2f} s, {why}"
            simulation.finish(ended)
            self._begin()
        else:
            self._look()
        self._hold()

    def restart(self) -> None:
        """Begin the next episode; commands are the task's own again."""
        self._held.clear()
        self._begin()

    def lines(self) -> list[str]:
        """Return the episode, its commands, and how the one before ended."""
        now = f"episode {self._episode}: {self._steps * self.period_s:.2f} s, return {self._return:.2f}"
        command = self._simulation.signals.command[0].tolist()
        given = [f"{name} {value:.3g}" for name, value in zip(self._commands, command, strict=True)]
        return [now, *([f"commands: {', '.join(given)}"] if given else []), *([self._last] if self._last else [])]

    def drawn(self) -> list[str]:
        """Return the parameters of the episode, SI."""
        return [f"{name}: {_numbers(values)}" for name, values in self._simulation.parameters.record(0).items()]

    def _hold(self) -> None:
        """Overwrite what the task has drawn; in the step in which it draws, the policy sees that."""
        for name, value in self._held.items():
            self._simulation.signals.command[0, self._commands.index(name)] = value

    def _begin(self) -> None:
        simulation = self._simulation
        simulation.episodes.begin(self._one)
        simulation.begin(self._one)
        forget(self._act)
        self._episode, self._steps, self._return = self._episode + 1, 0, 0.0
        self._look()

    def _look(self) -> None:
        self._simulation.batch.get_data(0, self.data)
        mujoco.mj_forward(self.model, self.data)  # contact forces and what else a batch does not keep

    def _idle(self, observation: Floats) -> Floats:
        return np.zeros((len(observation), self._simulation.contract.action_size), np.float32)


class LogShow:
    """The joints of a log. Its base stays where it starts: no sensor measured where it went."""

    def __init__(self, path: Path, robot: RobotConfig | None = None) -> None:
        """Read a log.

        Raises:
            UserError: It is none, has no ticks, or is of a robot that is not shipped and was not given.
        """
        log = read_log(path)
        config = load_robot(log.contract.robot.name) if robot is None else robot
        if not log.ticks:
            raise UserError(f"{path}: has no ticks")
        if list(config.joints) != [joint.name for joint in log.contract.robot.joints]:
            raise UserError(f"{path}: is of other joints than robot {config.name!r}; --robot takes its YAML file")
        plant = MujocoPlant(config)
        self.title, self.moves = f"log {path.name}, robot {config.name}", True
        self.model, self.data, self.period_s = plant.model, plant.data, 1.0 / _LOG_RATE
        self._start = plant.start
        times = np.array([tick["time_ns"] for tick in log.ticks], float)
        self._times = (times - times[0]) / NS_PER_S
        self._positions = array_of(FIELD["position"], [tick["position"] for tick in log.ticks])
        self._states = [str(tick["state"]) for tick in log.ticks]
        self._now = 0.0
        self.controls = (Control("time, s", 0.0, max(float(self._times[-1]), self.period_s), 0.0),)
        self._place()

    def put(self, name: str, value: float) -> None:
        """Go to a time, s."""
        del name  # there is one
        self._now = value
        self._place()

    def step(self) -> None:
        """Go on; at the end it stays."""
        self._now = min(self._now + self.period_s, float(self._times[-1]))
        self._place()

    def restart(self) -> None:
        """Go to the begin."""
        self.put("", 0.0)

    def lines(self) -> list[str]:
        """Return time and state."""
        return [f"{self._now:.2f} s of {self._times[-1]:.2f} s", self._states[self._tick]]

    def drawn(self) -> list[str]:
        """Nothing was."""
        return []

    @property
    def _tick(self) -> int:
        return max(0, int(np.searchsorted(self._times, self._now, side="right")) - 1)

    def _place(self) -> None:
        position = self._positions[self._tick]
        if np.isfinite(position).all():
            self.data.qpos[:] = self._start.place(position[None, :])[0]
        mujoco.mj_forward(self.model, self.data)


def _numbers(values: list[float]) -> str:
    shown = [f"{value:.3g}" for value in values[:_SHOWN_MAX]]
    return ", ".join(shown) + (f" … ({len(values)})" if len(values) > _SHOWN_MAX else "")
