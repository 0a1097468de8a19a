"""The driver of a Feetech STS bus: one sync read and one sync write per tick."""

from collections.abc import Mapping

import numpy as np

from sim2real.configs.schema.robot import BusConfig, JointConfig
from sim2real.configs.schema.safety import SafetyConfig
from sim2real.hardware.bus.discovery import find_motors
from sim2real.hardware.bus.polled_bus import REPLY_MARGIN_S, PolledBus
from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock, ns_from_s
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.feetech.client import Client
from sim2real.hardware.feetech.frame import BROADCAST, Instruction, encode
from sim2real.hardware.feetech.goals import MOTORS_MAX, Goals
from sim2real.hardware.feetech.motor import Motor
from sim2real.hardware.feetech.readings import Readings
from sim2real.hardware.feetech.scales import JointScales
from sim2real.hardware.feetech.state_reader import StateReader
from sim2real.hardware.feetech.tables import BAUDRATES
from sim2real.hardware.guardian.guardian import Guarded, Guardian
from sim2real.hardware.types import BoolArray, JointCommand, JointState, MotorFault

_SETUP_LIMIT_NS = ns_from_s(10.0)  # time limit of the guardian while torque is switched on or off, with all retries


class FeetechBus(PolledBus[Motor]):
    """The joints of one Feetech bus; implements `JointInterface`.

    Joint angle = direction * (motor angle - zero); motor angle = steps * 2 pi / steps per turn. The motors have no
    watchdog: while torque is on, a guardian watches this process. No goal is sent while torque is off, because it could
    move a motor.
    """

    _reader: StateReader
    _goals: Goals

    def __init__(
        self,
        bus: BusConfig,
        joints: Mapping[str, JointConfig],
        safety: SafetyConfig,
        transport: Transport,
        clock: Clock,
        reply_margin_s: float = REPLY_MARGIN_S,
    ) -> None:
        """Prepare the bus. Nothing is sent before `open`.

        Args:
            bus: The bus configuration; it gives the baud rate.
            joints: The joints on the bus, in array order.
            safety: Gives how long the motors keep running without instructions.
            transport: An open port. The bus owns it from now on and closes it.
            clock: The clock of the transport.
            reply_margin_s: Longest wait for a reply in addition to its time on the wire, s.
        """
        baudrate = round(bus.baudrate)
        self._single = Client(transport, clock, baudrate)
        motors = [Motor(name, config, self._single) for name, config in joints.items()]
        super().__init__(transport, clock, self._single, motors)
        self._status = Client(transport, clock, baudrate, self._counters, reply_margin_s)
        self._baudrate, self._margin_s = baudrate, reply_margin_s
        self._limit_ns = ns_from_s(safety.watchdog)
        self._readings = Readings(JointScales(self._motors))
        self._guardian: Guardian | None = None
        self._stopped = np.zeros(len(joints), np.int64)  # faults that are cleared by the next enable
        register = self._motors[0].table["torque_enable"]
        self._torque_register = bytes((register.address, register.size))
        self._off = encode(BROADCAST, Instruction.WRITE, bytes((register.address, 0)))

    def open(self) -> None:
        """Find and configure the motors; leave torque off.

        Raises:
            HardwareError: A motor is missing, is another model, has an alarm, or does not accept a setting; or there
                are too many motors.
        """
        if len(self._motors) > MOTORS_MAX:
            raise HardwareError(f"{len(self._motors)} motors on a Feetech bus; valid: up to {MOTORS_MAX}")
        super().open()

    def read(self, state: JointState) -> None:
        """Update the state with one group read; from time to time also check that a motor still has torque on.

        Raises:
            PortLostError: The port vanished.
            HardwareError: The bus is not open.
        """
        super().read(state)
        np.bitwise_or(self._readings.alarms, self._stopped, out=state.faults)

    def _identify(self) -> None:
        identities = find_motors(self._motors, self._single.identify, self._single, BAUDRATES.values())
        for motor, identity in zip(self._motors, identities, strict=True):
            motor.check_model(identity)

    def _start_polling(self) -> None:
        scales = JointScales(self._motors)  # the velocity unit is known after `configure`
        self._readings = Readings(scales)
        self._goals = Goals(self._motors, scales)
        ids, table = [motor.id for motor in self._motors], self._motors[0].table
        self._reader = StateReader(
            ids, table, self._transport, self._clock, self._baudrate, self._margin_s, self._counters
        )

    def _poll(self, state: JointState, now_ns: int, health: bool) -> None:
        reader = self._reader
        good = reader.read()
        arrived_ns = self._clock.now_ns()
        if good:
            self._readings.take_all(reader.layout, state, arrived_ns, health)
        else:
            self._readings.take_some(reader.layout, state, reader.answered, reader.asked_ns, health)
            self._count_missed(reader.answered)
        self._feed_guardian()

    def _goal_frame(self, command: JointCommand) -> bytearray | None:
        return self._goals.frame(command) if self._feed_guardian() else None

    def _check_can_enable(self) -> None:
        if not isinstance(self._transport, Guarded):
            raise HardwareError(
                "this port does not support a guardian, so nothing would stop the motors if the program dies"
            )

    def _arm(self) -> None:
        if self._guardian is None or self._guardian.tripped or self._guardian.gone:
            self._release_guardian(fire=False)
            if isinstance(self._transport, Guarded):
                self._guardian = self._transport.start_guardian(self._off, _SETUP_LIMIT_NS)
        self._before_torque_off()

    def _switch_on(self, motor: Motor) -> None:
        if self._guardian is not None:
            self._guardian.feed()
        motor.enable()

    def _after_enable(self) -> None:
        if self._guardian is not None:
            self._guardian.allow_ns(self._limit_ns)
        self._stopped.fill(0)

    def _off_frame(self) -> bytes:
        return self._off

    def _before_torque_off(self) -> None:
        if self._guardian is not None:
            self._guardian.allow_ns(_SETUP_LIMIT_NS)

    def _after_torque_off(self, reasons: list[str]) -> None:
        self._release_guardian(fire=bool(reasons))

    def _feed_guardian(self) -> bool:
        """Feed the guardian; return whether goals may be sent: torque is on and the guardian has not tripped."""
        guardian = self._guardian
        if not self._enabled or guardian is None:
            return False
        if guardian.tripped:
            self._stopped.fill(int(MotorFault.WATCHDOG))
            return False
        guardian.feed()
        return True

    def _release_guardian(self, fire: bool) -> None:
        if self._guardian is None:
            return
        if fire:
            self._guardian.fire()
        else:
            self._guardian.stop()
        self._guardian = None

    def _schedule_status(self, index: int) -> None:
        """Schedule the torque check of this motor, and check that the guardian still runs."""
        if self._enabled:
            self._status_due.add(index)
            if self._guardian is not None and self._guardian.gone:
                self._stopped.fill(int(MotorFault.WATCHDOG))

    def _count_missed(self, answered: BoolArray) -> None:
        for index, name in enumerate(self._names):
            if not answered[index]:
                self._counters.by_joint[name] += 1
                self._status_due.add(index)  # it may have restarted

    def _read_status(self, index: int, state: JointState) -> None:
        """While torque should be on, check that a motor still has torque on."""
        if not self._enabled:
            return
        motor = self._motors[index]
        reply = self._status.request(motor.id, Instruction.READ, self._torque_register, reply_bytes=1, tries=1)
        self._feed_guardian()
        if reply is None:
            return
        self._status_due.discard(index)
        # If neither an alarm nor the guardian switched torque off, the motor has restarted.
        if reply.parameters[0] == 0 and not self._readings.alarms[index] and not self._stopped[index]:
            self._stopped[index] = int(MotorFault.OTHER)
