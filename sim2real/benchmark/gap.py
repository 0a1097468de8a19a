"""Gap between batch environment and emulated robot: joint position differences for the same targets."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim2real.benchmark.gap_setup import EXACT, Base, bases, gap_task, held
from sim2real.benchmark.gap_targets import SETTLE, by_effort, targets
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
_LAG_MIN, _LAG_STEP = -0.010, 0.00025  # s, grid of the latency search
LAG_MAX = 0.060
"""Upper end of the latency search, s."""

_SEED = 0
_START_NS = 1_000_000_000


@dataclass(frozen=True)
class Gap:
    """Differences of the joint positions."""

    base: Base
    rms: float
    """RMS over joints and ticks without time shift, rad."""
    maximum: float
    """Maximum without time shift, rad."""
    latency: float
    """Time shift with the smallest RMS, s; positive if the emulated robot is later."""
    aligned_rms: float
    """RMS after that shift, rad."""
    aligned_maximum: float
    """Maximum after that shift, rad."""
    travel: float
    """Standard deviation of the joint positions, mean over joints, rad: the scale of the motion."""
    joints: dict[str, float]
    """RMS of each joint after the shift, rad."""

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
    """Measure the gap of every robot for each of its bases.

    Returns:
        Ratios: aligned RMS over travel. Figures: all values of `Gap`.
    """
    ratios, figures = {}, {}
    for robot in robots:
        for gap in measure(robot, seconds):
            name = robot.name if gap.base == "fixed" else f"{robot.name}_{gap.base}"
            ratios[f"{name}_gap_over_travel"] = gap.aligned_rms / max(gap.travel, 1e-9)
            figures[name] = gap.document()
    return {"ratios": ratios, "figures": figures}


def measure(robot: RobotConfig, seconds: float, *, standing: bool = True) -> list[Gap]:
    """Send the same targets to both sides, with the base fixed or held, and with `standing` also standing."""
    gaps = []
    with tempfile.TemporaryDirectory(prefix="sim2real-gap-") as folder:
        for base in bases(robot) if standing else bases(robot)[:1]:
            body = robot if base == "standing" else held(robot, Path(folder))
            task = gap_task(body, seconds)
            sent = targets(body, task.control_rate, seconds, _AMPLITUDE[base], _SEED)
            gaps.append(compare(base, body, task, batch_positions(task, sent), emulated_positions(body, task, sent)))
    return gaps


def batch_positions(task: TaskConfig, sent: Float64Array) -> Float64Array:
    """Send targets, (T, J), to the batch environment; return the true joint positions after every tick, (T, J)."""
    simulation = Simulation(task, EXACT, 1, threads=1)
    simulation.begin(np.array([0]))
    action = simulation.contract.action
    actions = ((sent - np.array(action.offset)) / np.array(action.scale)).astype(np.float32)
    positions = np.empty_like(sent)
    for tick, row in enumerate(actions):
        simulation.step(row[None, :])
        positions[tick] = simulation.state.position[0]
    return positions


def emulated_positions(robot: RobotConfig, task: TaskConfig, sent: Float64Array) -> Float64Array:
    """Send targets, (T, J), over the wire to the emulated robot, from its default pose at rest.

    Returns:
        True joint positions, (M, J), every millisecond from the start of the first tick to shortly after the last.
    """
    plant, clock = _Recorder(robot), VirtualClock(_START_NS)
    emulated = EmulatedRobot(robot, plant, start_ns=_START_NS)
    hardware = RobotHardware(robot, lockstep_transports(emulated, clock), clock)
    hardware.open()
    try:
        hardware.enable()
        steps = -((_START_NS - clock.now_ns()) // plant.timestep_ns)
        clock.sleep_until_ns(_START_NS + steps * plant.timestep_ns)  # so that rows lie on whole milliseconds
        emulated.advance_to(clock.now_ns())
        plant.reset()  # the robot has sagged while torque was off
        plant.rows.clear()
        _send(hardware, clock, robot, task, sent)
        emulated.advance_to(clock.now_ns())
        return np.array(plant.rows)
    finally:
        hardware.close()


def _send(
    hardware: RobotHardware, clock: VirtualClock, robot: RobotConfig, task: TaskConfig, sent: Float64Array
) -> None:
    """Read, write and wait each tick, like the runtime, whose computation takes no time on a virtual clock."""
    joints, effort = list(robot.joints.values()), by_effort(robot)
    command, state = JointCommand.zeros(len(joints)), JointState.empty(len(joints))
    command.stiffness[:] = [0.0 if effort else joint.stiffness for joint in joints]
    command.damping[:] = [0.0 if effort else joint.damping for joint in joints]
    begun_ns, period_ns = clock.now_ns(), ns_from_s(1.0 / task.control_rate)
    for tick in range(len(sent) + round(LAG_MAX * task.control_rate)):
        if tick < len(sent):
            (command.effort if effort else command.position)[:] = sent[tick]
        hardware.read(state)
        hardware.write(command)
        clock.sleep_until_ns(begun_ns + (tick + 1) * period_ns)


class _Recorder(MujocoPlant):
    """MuJoCo plant that records the joint positions after every step."""

    def __init__(self, robot: RobotConfig) -> None:
        super().__init__(robot)
        self.rows: list[Float64Array] = []

    def step(self, effort: Float64Array) -> None:
        super().step(effort)
        self.rows.append(self.position.copy())


def compare(base: Base, robot: RobotConfig, task: TaskConfig, batch: Float64Array, emulated: Float64Array) -> Gap:
    """Compare the batch's positions at its ticks, (T, J), with the emulated positions every millisecond, (M, J)."""
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
    """Interpolate rows, one per millisecond from 1 ms on, at given times, s."""
    grid = 1e-3 * (1.0 + np.arange(len(rows)))
    return np.stack([np.interp(time, grid, column) for column in rows.T], 1)
