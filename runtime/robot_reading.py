"""What a robot measured at one moment: all joints and IMUs, as arrays and by name."""

from dataclasses import dataclass, fields
from typing import Self

from sim2real.configs.errors import UserError
from sim2real.configs.plugins import unknown
from sim2real.hardware.types import Float64Array, ImuFault, ImuState, JointState, MotorFault


@dataclass(frozen=True)
class JointReading:
    """Readings of one joint."""

    position: float
    """rad"""
    velocity: float
    """rad/s"""
    effort: float
    """N·m"""
    temperature: float
    """°C, NaN before the first reading."""
    voltage: float
    """V at the motor, NaN before the first reading."""
    faults: MotorFault
    fresh: bool
    """Whether the joint answered; if not, the values are older."""


@dataclass(frozen=True)
class ImuReading:
    """Readings of one IMU in the frame of its body."""

    angular_velocity: Float64Array
    """(3,), rad/s"""
    linear_acceleration: Float64Array
    """(3,), m/s²: proper acceleration, +9.81 upward at rest."""
    orientation: Float64Array
    """(4,), unit quaternion w x y z that turns the body's frame into the world's."""
    faults: ImuFault
    fresh: bool
    """Whether the values are new since the reading before."""


@dataclass(frozen=True)
class RobotReading:
    """Readings of all J joints and K IMUs; copies that stay as they are."""

    time_ns: int
    """When the readings were in, on the monotonic clock."""
    joint_names: tuple[str, ...]
    """In the order of every joint array."""
    imu_names: tuple[str, ...]
    """In the order of every IMU array."""
    joints: JointState
    """Arrays (J,)."""
    imus: ImuState
    """Arrays (K, …)."""

    @classmethod
    def of(
        cls, time_ns: int, joint_names: tuple[str, ...], imu_names: tuple[str, ...], joints: JointState, imus: ImuState
    ) -> Self:
        """Return a reading with copies of the arrays."""
        return cls(
            time_ns,
            joint_names,
            imu_names,
            JointState(*(getattr(joints, each.name).copy() for each in fields(JointState))),
            ImuState(*(getattr(imus, each.name).copy() for each in fields(ImuState))),
        )

    @property
    def position(self) -> Float64Array:
        """Positions of the joints, (J,), rad."""
        return self.joints.position

    @property
    def velocity(self) -> Float64Array:
        """Velocities of the joints, (J,), rad/s."""
        return self.joints.velocity

    @property
    def effort(self) -> Float64Array:
        """Efforts of the joints, (J,), N·m."""
        return self.joints.effort

    def joint(self, name: str) -> JointReading:
        """Return the readings of one joint. Raises UserError if there is no such joint."""
        index, state = _index("joint", name, self.joint_names), self.joints
        return JointReading(
            position=float(state.position[index]),
            velocity=float(state.velocity[index]),
            effort=float(state.effort[index]),
            temperature=float(state.temperature[index]),
            voltage=float(state.voltage[index]),
            faults=MotorFault(int(state.faults[index])),
            fresh=bool(state.fresh[index]),
        )

    def imu(self, name: str) -> ImuReading:
        """Return the readings of one IMU. Raises UserError if there is no such IMU."""
        index, state = _index("IMU", name, self.imu_names), self.imus
        return ImuReading(
            angular_velocity=state.angular_velocity[index],
            linear_acceleration=state.linear_acceleration[index],
            orientation=state.orientation[index],
            faults=ImuFault(int(state.faults[index])),
            fresh=bool(state.fresh[index]),
        )


def _index(noun: str, name: str, names: tuple[str, ...]) -> int:
    if name not in names:
        raise UserError(unknown(noun, name, names))
    return names.index(name)
