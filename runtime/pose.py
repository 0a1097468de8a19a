"""A ramp to a pose: moves every joint from wherever it is, at a set speed, within a set time."""

from typing import Self

import numpy as np

from sim2real.configs.schema.robot import ReadyConfig, RestConfig
from sim2real.hardware.clock import NS_PER_S, ns_from_s
from sim2real.hardware.types import Float64Array, JointCommand, JointState
from sim2real.runtime.contract.robot import RobotSpec
from sim2real.runtime.limits import POSITION_TRACKING_MODES


class PoseRamp:
    """A ramp to a pose, the same time for all joints.

    A joint in position or impedance mode follows its position target, with the joint's stiffness and damping where
    the motor has such gains. One in current mode follows an impedance on the host, effort =
    stiffness · (q* - q) - damping · q̇, where q* moves along the ramp, cut to the effort limit.

    Args:
        robot: Gains and limits of the joints.
        pose: (J,), rad; a joint with NaN stays where it is when the ramp begins.
        speed: rad/s, of the joint that is farthest from its goal.
        tolerance: rad; the pose is reached when the ramp has ended and every joint is this close.
        timeout: s from `begin`.
    """

    def __init__(self, robot: RobotSpec, pose: Float64Array, *, speed: float, tolerance: float, timeout: float) -> None:
        joints = len(robot.joints)
        self._pose = pose.copy()
        self._stays = np.isnan(pose)
        self._goal = pose.copy()
        self._tracks_position = np.array([joint.mode in POSITION_TRACKING_MODES for joint in robot.joints])
        self._stiffness = np.array([joint.stiffness for joint in robot.joints])
        self._damping = np.array([joint.damping for joint in robot.joints])
        self._effort_max = np.array([joint.effort_max for joint in robot.joints])
        self._speed = speed
        self._tolerance = tolerance
        self._timeout_ns = ns_from_s(timeout)
        self._start, self._target, self._error = (np.zeros(joints) for _ in range(3))
        self._begun_ns = self._restarted_ns = self._duration_ns = 0

    @classmethod
    def to_start(cls, robot: RobotSpec, ready: ReadyConfig) -> Self:
        """Return the ramp to the default pose, from which the policy begins."""
        pose = np.array([joint.default_position for joint in robot.joints])
        return cls(robot, pose, speed=ready.speed, tolerance=ready.tolerance, timeout=ready.timeout)

    @classmethod
    def to_rest(cls, robot: RobotSpec, rest: RestConfig | None, ready: ReadyConfig) -> Self:
        """Return the ramp to the pose in which torque goes off at the end of a run; without one, it stays."""
        named, speed, timeout = (rest.pose, rest.speed, rest.timeout) if rest else ({}, ready.speed, 0.0)
        pose = np.array([named.get(joint.name, np.nan) for joint in robot.joints])
        return cls(robot, pose, speed=speed, tolerance=ready.tolerance, timeout=timeout)

    def begin(self, position: Float64Array, now_ns: int) -> None:
        """Start the ramp, and its timeout, from a pose, (J,), rad, finite."""
        np.copyto(self._goal, self._pose)
        np.copyto(self._goal, position, where=self._stays)
        self._begun_ns = now_ns
        self.restart(position, now_ns)

    def restart(self, position: Float64Array, now_ns: int) -> None:
        """Restart the ramp from another pose; the timeout keeps running."""
        np.copyto(self._start, position)
        farthest = float(np.abs(self._goal - self._start).max())
        self._duration_ns = round(farthest / self._speed * NS_PER_S)
        self._restarted_ns = now_ns

    def command(self, command: JointCommand, state: JointState, now_ns: int) -> None:
        """Write the targets of this tick."""
        elapsed_ns = now_ns - self._restarted_ns
        share = elapsed_ns / self._duration_ns if elapsed_ns < self._duration_ns else 1.0
        np.subtract(self._goal, self._start, out=self._target)
        np.multiply(self._target, share, out=self._target)
        np.add(self._start, self._target, out=self._target)
        np.copyto(command.position, self._target)
        command.velocity.fill(0.0)
        np.subtract(self._target, state.position, out=command.effort)
        np.multiply(command.effort, self._stiffness, out=command.effort)
        np.multiply(self._damping, state.velocity, out=self._error)
        np.subtract(command.effort, self._error, out=command.effort)
        np.clip(command.effort, -self._effort_max, self._effort_max, out=command.effort)
        np.copyto(command.effort, 0.0, where=self._tracks_position)
        np.multiply(self._stiffness, self._tracks_position, out=command.stiffness)
        np.multiply(self._damping, self._tracks_position, out=command.damping)

    def reached(self, state: JointState, now_ns: int) -> bool:
        """Tell whether the ramp has ended and every joint is within tolerance."""
        np.abs(np.subtract(state.position, self._goal, out=self._error), out=self._error)
        return now_ns - self._restarted_ns >= self._duration_ns and bool((self._error <= self._tolerance).all())

    def late(self, now_ns: int) -> bool:
        """Tell whether the time allowed is over."""
        return not now_ns - self._begun_ns <= self._timeout_ns

    def farthest(self, state: JointState) -> tuple[int, float, float]:
        """Return the joint that is farthest from the pose, its position and its goal."""
        joint = int(np.argmax(np.abs(state.position - self._goal)))
        return joint, float(state.position[joint]), float(self._goal[joint])
