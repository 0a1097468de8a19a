"""The reading of a tick: joints and IMUs into the record, stamped, and safety's verdict on them."""

from sim2real.hardware.clock import Clock
from sim2real.hardware.errors import HardwareError, PortLostError
from sim2real.hardware.imu.interface import WithImus
from sim2real.hardware.interface import JointInterface
from sim2real.hardware.types import Supervision
from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.record import TickRecord
from sim2real.runtime.safety import Safety
from sim2real.runtime.verdict import Reason, Verdict, Violation, verdict_of


class ReadStage:
    """Reads the robot and lets safety judge what was read.

    Args:
        contract: Says whether there are IMUs.
        hardware: Joints and IMUs.
        clock: Gives the time of the readings.
        record: Where they go.
        safety: Judges them.
        ratio: Ticks in a period of the policy, for which the limit of missed ticks was set.

    Raises:
        HardwareError: The robot has IMUs, and its hardware does not read them.
    """

    def __init__(
        self,
        contract: Contract,
        hardware: JointInterface,
        clock: Clock,
        record: TickRecord,
        safety: Safety,
        ratio: int,
    ) -> None:
        self._hardware, self._imu_hardware = hardware, _imu_hardware(contract, hardware)
        self._clock, self._record, self._safety, self._ratio = clock, record, safety, ratio
        self.operator_alive_ns = -1
        """Time of the last sign of life from the operator's device; -1 while none is in use."""

    def read(self) -> None:
        """Read joints and IMUs into the record. Raises PortLostError."""
        self._hardware.read(self._record.joints)
        if self._imu_hardware is not None:
            self._imu_hardware.read_imus(self._record.imus)

    def read_stamped(self) -> None:
        """Read, and note the time. Raises PortLostError."""
        self.read()
        self.stamp()

    def stamp(self) -> None:
        """Note the time of the readings."""
        self._record.time_ns = self._clock.now_ns()

    def read_in_tick(self) -> Verdict | None:
        """Read with torque on, and note the time; return the verdict on a port that vanished, None without one."""
        try:
            self.read_stamped()
        except PortLostError:
            self._record.port_lost = 1
            self.stamp()
            return verdict_of((Violation(Reason.PORT_LOST, -1, 1.0, 0.0),))
        return None

    def check_in_tick(self, missed: int, missed_in_a_row: int) -> Verdict:
        """Check what was read with torque on.

        Args:
            missed: Ticks skipped immediately before this one.
            missed_in_a_row: Ticks skipped since the last one that was on time.
        """
        record = self._record
        if self._hardware.supervision is Supervision.LOST:
            return verdict_of((Violation(Reason.SUPERVISOR_LOST, -1, 1.0, 0.0),))
        return self._safety.check(
            record.joints,
            record.time_ns,
            missed_in_a_row // self._ratio,
            record.imus,
            missed=missed,
            operator_alive_ns=self.operator_alive_ns,
        )

    def check(self) -> Verdict:
        """Check what was read, torque off, against safety's limits."""
        record, alive_ns = self._record, self.operator_alive_ns
        return self._safety.check(record.joints, record.time_ns, 0, record.imus, operator_alive_ns=alive_ns)


def _imu_hardware(contract: Contract, hardware: JointInterface) -> WithImus | None:
    """Return the hardware if the robot has IMUs, None if it has none. Raises HardwareError if it cannot read them."""
    if not contract.robot.imus:
        return None
    if not isinstance(hardware, WithImus):
        raise HardwareError("the robot has IMUs, and its hardware does not read them")
    return hardware
