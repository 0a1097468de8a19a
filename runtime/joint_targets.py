"""Targets of joints as a person gives them: by name or as an array, refused where a joint may not have them."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.configs.plugins import unknown
from sim2real.hardware.types import Float64Array, JointCommand, JointState
from sim2real.runtime.contract.robot import JointSpec, RobotSpec

JointValues = Mapping[str, float] | Sequence[float] | Float64Array
"""Values by joint name, or of all joints, (J,), in the order of the robot's YAML."""

_MODES_WITH: Final = {
    "position": ("position", "impedance"),
    "velocity": ("impedance",),
    "effort": ("current", "impedance"),
    "stiffness": ("impedance",),
    "damping": ("impedance",),
}
"""Modes of a joint that follow each quantity."""

_UNITS: Final = {
    "position": "rad",
    "velocity": "rad/s",
    "effort": "N*m",
    "stiffness": "N*m/rad",
    "damping": "N*m*s/rad",
}


class JointTargets:
    """The targets of all joints. What is not given anew keeps its value.

    Args:
        robot: Names, modes and limits of the joints.
    """

    def __init__(self, robot: RobotSpec) -> None:
        self._joints = {joint.name: joint for joint in robot.joints}
        self._index = {name: index for index, name in enumerate(self._joints)}
        self._kept = JointCommand.zeros(len(self._joints))

    def hold(self, state: JointState) -> None:
        """Start from where the joints are: no effort, and the gains of the YAML.

        Args:
            state: A complete reading.
        """
        for index, joint in enumerate(self._joints.values()):
            position = min(max(float(state.position[index]), joint.position_min), joint.position_max)
            self._kept.position[index] = position
            self._kept.velocity[index] = self._kept.effort[index] = 0.0
            self._kept.stiffness[index] = joint.stiffness
            self._kept.damping[index] = joint.damping

    def take(self, given: Mapping[str, JointValues | None]) -> None:
        """Replace what is given, all of it or nothing.

        Args:
            given: By quantity, each for some joints or for all.

        Raises:
            UserError: No such joint, a joint that does not follow the quantity, or a value outside the joint's limits.
        """
        wanted = {quantity: self._by_name(quantity, values) for quantity, values in given.items() if values is not None}
        for quantity, values in wanted.items():
            for name, value in values.items():
                self._check(quantity, name, value)
        for quantity, values in wanted.items():
            for name, value in values.items():
                getattr(self._kept, quantity)[self._index[name]] = value

    def copy_to(self, command: JointCommand) -> None:
        """Write the targets into a command."""
        for quantity in _MODES_WITH:
            np.copyto(getattr(command, quantity), getattr(self._kept, quantity))

    def _by_name(self, quantity: str, values: JointValues) -> dict[str, float]:
        try:
            if isinstance(values, Mapping):
                return {name: float(value) for name, value in values.items()}
            array = np.asarray(values, np.float64)
        except (TypeError, ValueError) as error:
            raise UserError(f"{quantity}: a target is not a number: {error}") from error
        if array.shape != (len(self._joints),):
            raise UserError(
                f"{quantity}: targets have shape {array.shape}; valid: ({len(self._joints)},), one for each of "
                f"{', '.join(self._joints)}, or a mapping from names"
            )
        return dict(zip(self._joints, array.tolist(), strict=True))

    def _check(self, quantity: str, name: str, value: float) -> None:
        joint = self._joints.get(name)
        if joint is None:
            raise UserError(unknown("joint", name, self._joints))
        if joint.mode not in _MODES_WITH[quantity]:
            valid = ", ".join(key for key, modes in _MODES_WITH.items() if joint.mode in modes)
            raise UserError(f"joint {name!r} in mode {joint.mode} follows no {quantity}; valid: {valid}")
        low, high = _limits(joint, quantity)
        if not low <= value <= high:
            raise UserError(
                f"joint {name!r}: {quantity} {value:g} {_UNITS[quantity]} is outside its limits; "
                f"valid: {low:g} to {high:g} {_UNITS[quantity]}"
            )


def _limits(joint: JointSpec, quantity: str) -> tuple[float, float]:
    """Return the lowest and the highest target of a quantity."""
    return {
        "position": (joint.position_min, joint.position_max),
        "velocity": (-joint.velocity_max, joint.velocity_max),
        "effort": (-joint.effort_max, joint.effort_max),
        "stiffness": (0.0, joint.stiffness),
        "damping": (0.0, joint.damping),
    }[quantity]
