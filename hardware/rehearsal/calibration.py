"""Rehearses calibration: horns, senses and inherited registers by chance, calibrated, power-cycled and opened.

A trial is one joint. Its motor has a history and is mounted anyhow; a user calibrates it by hand, its power goes off
and on, and the robot is opened. Either reading and true position agree within the encoder's error, or something is
refused by name. In a third of the trials another program changes the motor after the calibration.
"""

import math
from dataclasses import dataclass
from random import Random
from typing import Final

from sim2real.configs.schema.calibration import CalibrationConfig
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.families import family_of_bus
from sim2real.hardware.rehearsal.held import HeldPlant
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.types import JointCommand, JointState
from sim2real.hardware.workbench.calibration import JointCalibration, WorkbenchJoint, calibrate_joints

ERROR_MAX: Final = 3.0 * math.tau / 4096
"""Largest difference of reading and true position, rad: a step at calibration, one at reading, one of rounding."""

_CHANGED_AFTERWARDS = 1 / 3
_MOVE = 0.4  # rad, by hand, to show the direction
_START_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Trial:
    """The end of one trial."""

    error: float
    """rad between reading or goal and true position; NaN if refused."""
    refusal: str
    """Why it was refused; empty if it was not."""

    @property
    def silent_error(self) -> bool:
        """Whether the joint would have been driven to a wrong place without a word."""
        return not self.refusal and not self.error <= ERROR_MAX


def one_joint(robot: RobotConfig, **updates: object) -> RobotConfig:
    """Return a robot with only the first joint, and without IMUs and tip."""
    name, joint = next(iter(robot.joints.items()))
    joints = {name: joint.model_copy(update=updates)}
    return robot.model_copy(
        update={
            "joints": joints,
            "imus": {},
            "tip": None,
            "rest": None,
            "buses": {joint.bus: robot.buses[joint.bus]},
        }
    )


def rehearse_calibration(robot: RobotConfig, seed: int) -> Trial:
    """Run one trial with the motor of the robot's first joint; the same seed gives the same trial."""
    draw = Random(seed)  # noqa: S311  # trials by chance, not secrets
    mounted = one_joint(robot, zero=draw.uniform(0.0, math.tau), direction=draw.choice((1, -1)))
    bench = _Bench(mounted, draw)
    try:
        found = bench.calibrate()
        bench.power_cycle(changed=draw.random() < _CHANGED_AFTERWARDS)
        return Trial(bench.error_of(found), "")
    except HardwareError as error:
        return Trial(math.nan, str(error))


class _Bench:
    """A mounted motor with a history, and the user's hands."""

    def __init__(self, mounted: RobotConfig, draw: Random) -> None:
        self._draw, self._mounted = draw, mounted
        self._name, self._joint = next(iter(mounted.joints.items()))
        self._plant = HeldPlant(mounted)
        self._emulated = EmulatedRobot(mounted, self._plant, start_ns=_START_NS)
        self._clock = VirtualClock(_START_NS)
        self._motor = self._emulated.motors[self._name]
        self._bus = mounted.buses[self._joint.bus]
        self._family = family_of_bus(self._bus)
        self._put(draw.uniform(*self._joint.position_limits))
        self._family.wear(self._motor, draw)
        self._moves = 0

    def calibrate(self) -> JointCalibration:
        """Calibrate as `sim2real motors calibrate` does; the user knows nothing of zero and direction."""
        transport = lockstep_transports(self._emulated, self._clock)[self._joint.bus]
        workbench = self._family.workbench(transport, self._clock)
        naive = self._joint.model_copy(update={"zero": 0.0, "direction": 1})
        baudrate = round(self._bus.baudrate)
        if workbench.find(naive.id, baudrate) is None:
            raise HardwareError("the motor does not answer")
        if workbench.torque_enabled(naive.id):
            workbench.reboot(naive.id)
        joint = WorkbenchJoint(self._name, naive, workbench, self._mounted.safety.position_margin)
        return calibrate_joints([joint], "centre", self)[self._name]

    def ask(self, instruction: str) -> None:
        """Move the joint as the user is asked to: to the middle, then in its positive direction."""
        middle = sum(self._joint.position_limits) / 2
        self._put(middle if self._moves == 0 else middle + min(_MOVE, 0.9 * self._reach()))
        self._moves += 1

    def tell(self, message: str) -> None:
        """Read a result."""

    def power_cycle(self, changed: bool) -> None:
        """Switch power off and on somewhere in the range, in between perhaps another program."""
        if changed:
            self._family.wear(self._motor, self._draw)
        self._put(self._draw.uniform(*self._joint.position_limits))
        self._motor.boot(self._clock.now_ns(), 0)

    def error_of(self, found: JointCalibration) -> float:
        """Open the robot as calibrated, hold it, move it by hand; return the largest error, rad."""
        calibrated = one_joint(self._mounted, **calibrated_fields(found))
        hardware = RobotHardware(calibrated, lockstep_transports(self._emulated, self._clock), self._clock)
        state, command = JointState.empty(1), JointCommand.zeros(1)
        try:
            hardware.open()
            error = self._reading_error(hardware, state)
            self._put(self._draw.uniform(*self._joint.position_limits))
            error = max(error, self._reading_error(hardware, state))
            hardware.enable()
            error = max(error, self._reading_error(hardware, state))
            command.position[0] = self._draw.uniform(*self._joint.position_limits)
            hardware.write(command)
            self._wait()
            goal = self._motor.goal.position
            if goal is not None:
                reached = self._joint.direction * (goal - self._joint.zero)
                error = max(error, abs(reached - float(command.position[0])))
            return error
        finally:
            hardware.close()

    def _reading_error(self, hardware: RobotHardware, state: JointState) -> float:
        self._wait()
        hardware.read(state)
        if not state.fresh[0]:
            return math.inf
        return abs(float(state.position[0] - self._plant.position[0]))

    def _reach(self) -> float:
        low, high = self._joint.position_limits
        return (high - low) / 2

    def _put(self, angle: float) -> None:
        self._plant.position[0] = angle
        self._emulated.sense()

    def _wait(self) -> None:
        self._clock.sleep_until_ns(self._clock.now_ns() + 20_000_000)
        self._emulated.advance_to(self._clock.now_ns())


def calibrated_fields(found: JointCalibration) -> dict[str, object]:
    """Return the keys of a joint that a calibration sets, as `write_calibration` writes them."""
    fields: dict[str, object] = {"zero": found.zero, "direction": found.direction}
    if found.settled is not None:
        fields["calibration"] = CalibrationConfig(version=1, registers=dict(found.settled.registers))
    return fields
