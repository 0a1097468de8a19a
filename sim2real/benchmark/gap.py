"""The gap between the batch environment and the emulated robot: the same targets on both, joint by joint."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim2real.benchmark.gap_motion import SETTLE, by_effort, targets
from sim2real.benchmark.gap_world import EXACT, Base, bases, gap_task, held
from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.clock import VirtualClock, ns_from_s
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.types import Float64Array, JointCommand, JointState
from sim2real.plant import MujocoPlant
from sim2real.simulation.simulation import Simulation

_AMPLITUDE = {"fixed": 0.5, "held": 0.5, "standing": 0.15}  # rad
_LAG_MIN, _LAG_STEP = -0.010, 0.00025  # s, of the search for the latency
LAG_MAX = 0.060
"""Longest latency that is looked for, s."""

_SEED = 0
_START_NS = 1_000_000_000


@dataclass(frozen=True)
class Gap:
    """How far apart the two sides are."""

    base: Base
    rms: float
    """rad, of all joints and ticks, at the same time on both sides."""
    maximum: float
    """rad"""
    latency: float
    """s by which the emulated robot is later, or earlier if negative: the shift that makes them most alike."""
    aligned_rms: float
    """rad, after that shift."""
    aligned_maximum: float
    """rad"""
    travel: float
    """rad RMS that the joints moved, to see the gap against."""
    joints: dict[str, float]
    """rad RMS of each joint after the shift."""

    def document(self) -> dict[str, Any]:
        """Return plain data in mrad and ms."""
        return {
            "base": self.base,
            "rms_mrad": 1e3 * self.rms,
            "max_mrad": 1e3 * self.maximum,
            "latency_ms": 1e3 * self.latency,
            "aligned_rms_mrad": 1e3 * self.aligned_rms,
            "aligned_max_mrad": 1e3 * self.aligned_maximum,
            "travel_mrad": 1e3 * self.travel,
            "joints_aligned_rms_mrad": {name: 1e3 * value for name, value in self.joints.items()},
        }


def bench_gap(robots: Sequence[RobotConfig], seconds: float) -> dict[str, Any]:
    """Measure every robot on every base it can have.

    Returns:
        As ratios the RMS gap over the RMS travel after the shift; as figures all of it.
    """
    ratios, figures = {}, {}
    for robot in robots:
        for gap in measure(robot, seconds):
            name = robot.name if gap.base == "fixed" else f"{robot.name}_{gap.base}"
            ratios[f"{name}_gap_over_travel"] = gap.aligned_rms / max(gap.travel, 1e-9)
            figures[name] = gap.document()
    return {"ratios": ratios, "figures": figures}


def measure(robot: RobotConfig, seconds: float, *, standing: bool = True) -> list[Gap]:
    """Play the same targets on both sides: with the base held, and, if that is asked for and it can, standing."""
    gaps = []
    with tempfile.TemporaryDirectory(prefix="sim2real-gap-") as folder:
        for base in bases(robot) if standing else bases(robot)[:1]:
            body = robot if base == "standing" else held(robot, Path(folder))
            task = gap_task(body, seconds)
            asked = targets(body, task.control_rate, seconds, _AMPLITUDE[base], _SEED)
            gaps.append(compare(base, body, task, batch_positions(task, asked), emulated_positions(body, task, asked)))
    return gaps


def batch_positions(task: TaskConfig, asked: Float64Array) -> Float64Array:
    """Play targets, (T, J), on the batch environment; return the joints' true positions after every tick, (T, J)."""
    simulation = Simulation(task, EXACT, 1, threads=1)
    simulation.begin(np.array([0]))
    action = simulation.contract.action
    actions = ((asked - np.array(action.offset)) / np.array(action.scale)).astype(np.float32)
    positions = np.empty_like(asked)
    for tick, row in enumerate(actions):
        simulation.step(row[None, :])
        positions[tick] = simulation.state.position[0]
    return positions


def emulated_positions(robot: RobotConfig, task: TaskConfig, asked: Float64Array) -> Float64Array:
    """Play targets, (T, J), over the wire on the emulated robot, from its default pose at rest.

    Returns:
        (M, J): the joints' true positions every millisecond after the first tick began, and a little past the last.
    """
    plant, clock = _Recorder(robot), VirtualClock(_START_NS)
    emulated = EmulatedRobot(robot, plant, start_ns=_START_NS)
    hardware = RobotHardware(robot, lockstep_transports(emulated, clock), clock)
    hardware.open()
    try:
        hardware.enable()
        steps = -((_START_NS - clock.now_ns()) // plant.timestep_ns)
        clock.sleep_until_ns(_START_NS + steps * plant.timestep_ns)  # rows are whole milliseconds from here
        emulated.advance_to(clock.now_ns())
        plant.reset()  # without torque it has sagged
        plant.rows.clear()
        _play(hardware, clock, robot, task, asked)
        emulated.advance_to(clock.now_ns())
        return np.array(plant.rows)
    finally:
        hardware.close()


def _play(
    hardware: RobotHardware, clock: VirtualClock, robot: RobotConfig, task: TaskConfig, asked: Float64Array
) -> None:
    """Tick: read, write, wait; as the runtime does, whose own arithmetic takes no time on a virtual clock."""
    joints, effort = list(robot.joints.values()), by_effort(robot)
    command, state = JointCommand.zeros(len(joints)), JointState.empty(len(joints))
    command.stiffness[:] = [0.0 if effort else joint.stiffness for joint in joints]
    command.damping[:] = [0.0 if effort else joint.damping for joint in joints]
    begun_ns, period_ns = clock.now_ns(), ns_from_s(1.0 / task.control_rate)
    for tick in range(len(asked) + round(LAG_MAX * task.control_rate)):
        if tick < len(asked):
            (command.effort if effort else command.position)[:] = asked[tick]
        hardware.read(state)
        hardware.write(command)
        clock.sleep_until_ns(begun_ns + (tick + 1) * period_ns)


class _Recorder(MujocoPlant):
    """The mechanics, with the joints' positions after every step."""

    def __init__(self, robot: RobotConfig) -> None:
        super().__init__(robot)
        self.rows: list[Float64Array] = []

    def step(self, effort: Float64Array) -> None:
        super().step(effort)
        self.rows.append(self.position.copy())


def compare(base: Base, robot: RobotConfig, task: TaskConfig, batch: Float64Array, emulated: Float64Array) -> Gap:
    """Compare the batch's positions at its ticks, (T, J), with the emulated ones every millisecond."""
    time = (1.0 + np.arange(len(batch))) / task.control_rate
    counted = time > SETTLE
    lags = _LAG_STEP * np.arange(round(_LAG_MIN / _LAG_STEP), round(LAG_MAX / _LAG_STEP))
    errors = [_at(emulated, time + lag)[counted] - batch[counted] for lag in lags]
    size = [float(np.sqrt(np.square(error).mean())) for error in errors]
    best, none = int(np.argmin(size)), int(np.argmin(np.abs(lags)))
    each = np.sqrt(np.square(errors[best]).mean(axis=0))
    return Gap(
        base=base,
        rms=size[none],
        maximum=float(np.abs(errors[none]).max()),
        latency=float(lags[best]),
        aligned_rms=size[best],
        aligned_maximum=float(np.abs(errors[best]).max()),
        travel=float(batch[counted].std(axis=0).mean()),
        joints=dict(zip(robot.joints, each.tolist(), strict=True)),
    )


def _at(rows: Float64Array, time: Float64Array) -> Float64Array:
    """Return rows of every millisecond, the first at 1 ms, at other times, s, in between."""
    grid = 1e-3 * (1.0 + np.arange(len(rows)))
    return np.stack([np.interp(time, grid, column) for column in rows.T], 1)
