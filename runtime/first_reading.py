"""The first complete reading of a robot, without which no torque is switched on."""

from collections.abc import Callable
from typing import Final

from sim2real.hardware.clock import Clock, ns_from_s
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.types import ImuState, JointState
from sim2real.runtime.contract.robot import RobotSpec

_LIMIT_S: Final = 1.0  # at a tenth of replies lost, eight joints are all read within ten tries


def await_first_reading(
    read: Callable[[], None],
    robot: RobotSpec,
    joints: JointState,
    imus: ImuState,
    clock: Clock,
    period_ns: int,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Read until every joint has answered at once and every IMU has sent a sample, for at most a second.

    Args:
        read: Reads into `joints` and `imus`.
        robot: Names of joints and IMUs.
        joints: Updated by `read`.
        imus: Updated by `read`.
        clock: The clock of the hardware.
        period_ns: Time between two tries.
        check: Called before each try; what it raises ends the wait.

    Raises:
        HardwareError: There was no complete reading; names what was silent. PortLostError if a port vanished.
    """
    deadline_ns = clock.now_ns() + ns_from_s(_LIMIT_S)
    while True:
        check()
        read()
        now_ns = clock.now_ns()
        if bool((joints.stamp_ns >= 0).all()) and bool(joints.fresh.all()) and bool((imus.stamp_ns >= 0).all()):
            return
        if now_ns >= deadline_ns:
            names = [*(joint.name for joint in robot.joints), *(imu.name for imu in robot.imus)]
            stamps = [*joints.stamp_ns, *imus.stamp_ns]
            silent = [name for name, stamp_ns in zip(names, stamps, strict=True) if stamp_ns < 0]
            raise HardwareError(f"no complete reading within {_LIMIT_S} s; silent: {', '.join(silent) or '-'}")
        clock.sleep_until_ns(now_ns + period_ns)
