"""The driver of a Feetech STS bus: one sync read and one sync write per tick."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from sim2real.configs.schema.death import DeathState
from sim2real.configs.schema.robot import BusConfig, JointConfig
from sim2real.configs.schema.safety import SafetyConfig
from sim2real.hardware.bus.discovery import find_motors
from sim2real.hardware.bus.polled_bus import REPLY_MARGIN_S, PolledBus
from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.feetech.client import Client
from sim2real.hardware.feetech.frame import BROADCAST, Instruction, encode
from sim2real.hardware.feetech.goals import MOTORS_MAX, Goals
from sim2real.hardware.feetech.motor import Motor
from sim2real.hardware.feetech.readings import Readings
from sim2real.hardware.feetech.scales import JointScales
from sim2real.hardware.feetech.state_reader import StateReader
from sim2real.hardware.feetech.tables import BAUDRATES, TORQUE_DAMPED, TORQUE_OFF, TORQUE_ON
from sim2real.hardware.interface import Between, nothing
from sim2real.hardware.types import BoolArray, Int64Array, JointCommand, JointState, MotorFault


class FeetechBus(PolledBus[Motor]):
    """The joints of one Feetech bus; implements `JointInterface`.

    Joint angle = direction * (motor angle - zero); motor angle = steps * 2 pi / steps per turn. The motors have no
    watchdog; they rely on the robot's supervisor. No goal is sent while torque is off, because it could move a motor.
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
            safety: Gives the margin of position limits; the motors have no watchdog.
            transport: An open port. The bus owns it from now on and closes it.
            clock: The clock of the transport.
            reply_margin_s: Longest wait for a reply in addition to its time on the wire, s.
        """
        baudrate = round(bus.baudrate)
        self._single = Client(transport, clock, baudrate)
        quick = Client(transport, clock, baudrate, margin_s=reply_margin_s).share(self._single)
        margin = safety.position_margin
        motors = [Motor(name, config, self._single, quick, margin) for name, config in joints.items()]
        super().__init__(transport, clock, self._single, motors)
        self._status = Client(transport, clock, baudrate, self._counters, reply_margin_s).share(self._single)
        self._baudrate, self._margin_s = baudrate, reply_margin_s
        self._readings = Readings(JointScales(self._motors))
        self._restarted = np.zeros(len(joints), np.int64)  # faults that the next enable clears
        self._set_to: tuple[Int64Array, ...] = ()
        register = self._motors[0].table["torque_enable"]
        self._torque_register = bytes((register.address, register.size))
        self._stops: dict[DeathState, bytes] = {
            "off": encode(BROADCAST, Instruction.WRITE, bytes((register.address, TORQUE_OFF))),
            "damp": encode(BROADCAST, Instruction.WRITE, bytes((register.address, TORQUE_DAMPED))),
            "hold": b"",
        }

    def open(self, between: Between = nothing) -> None:
        """Find and configure the motors; leave torque off.

        Raises:
            HardwareError: A motor is missing, is another model, has an alarm, or does not accept a setting; or there
                are too many motors.
        """
        if len(self._motors) > MOTORS_MAX:
            raise HardwareError(f"{len(self._motors)} motors on a Feetech bus; valid: up to {MOTORS_MAX}")
        super().open(between)

    def _identify(self) -> None:
        identities = find_motors(self._motors, self._single.identify, self._single, BAUDRATES.values())
        for motor, identity in zip(self._motors, identities, strict=True):
            motor.check_model(identity)

    def _start_polling(self) -> None:
        scales = JointScales(self._motors)  # the velocity unit is known after `configure`
        self._readings = Readings(scales)
        self._goals = Goals(self._motors, scales)
        wanted = [(TORQUE_ON, motor.goal_velocity, motor.torque_limit) for motor in self._motors]
        self._set_to = tuple(np.array(wanted, np.int64).T)  # in the order of `layout.SETTINGS`
        self._restarted.fill(0)
        ids, table = [motor.id for motor in self._motors], self._motors[0].table
        self._reader = StateReader(
            ids, table, self._transport, self._clock, self._baudrate, self._margin_s, self._counters
        )

    def _ask(self, now_ns: int, health: bool) -> None:
        self._reader.ask(full=health)

    def _collect(self, state: JointState, health: bool) -> None:
        reader = self._reader
        if reader.collect():
            self._readings.take_all(reader.layout, state, reader.arrived_ns, health)
        else:
            self._readings.take_some(reader.layout, state, reader.answered, reader.arrived_ns, health)
            self._count_missed(reader.answered)
        if health and self._enabled:
            self._find_restarted(reader.layout.settings, reader.answered)
        np.bitwise_or(self._readings.alarms, self._restarted, out=self._faults)

    def _goal_frame(self, command: JointCommand) -> bytearray | None:
        return self._goals.frame(command) if self._enabled else None

    def _switch_on(self, motor: Motor) -> None:
        motor.enable()

    def _after_enable(self) -> None:
        self._goals = Goals(self._motors, JointScales(self._motors))  # the turns were counted again
        self._restarted.fill(0)
        self._health_due_ns = self._clock.now_ns()

    def stop_frames(self, state: DeathState) -> bytes:
        """Return a broadcast that switches torque off, or to shorted windings; a motor holds its goal by itself."""
        return self._stops[state]

    def _count_missed(self, answered: BoolArray) -> None:
        for index, name in enumerate(self._names):
            if not answered[index]:
                self._counters.by_joint[name] += 1
                if self._enabled:
                    self._status_turns.suspects.add(index)  # it may have restarted

    def _find_restarted(self, settings: tuple[npt.NDArray[np.integer[npt.NBitBase]], ...], answered: BoolArray) -> None:
        """Note the motors whose registers are no longer as they were written, without an alarm that explains it."""
        changed = answered & (self._readings.alarms == 0)
        changed &= np.logical_or.reduce([own != set_to for own, set_to in zip(settings, self._set_to, strict=True)])
        self._restarted[changed] = int(MotorFault.RESTARTED)

    def _read_status(self, index: int) -> bool:
        """While torque should be on, check that a motor still has torque on."""
        if not self._enabled:
            return True
        motor = self._motors[index]
        reply = self._status.request(motor.id, Instruction.READ, self._torque_register, reply_bytes=1, tries=1)
        if reply is None:
            return False
        # If no alarm switched torque off, the motor has restarted.
        if reply.parameters[0] != TORQUE_ON and not self._readings.alarms[index]:
            self._restarted[index] = self._faults[index] = int(MotorFault.RESTARTED)
        return True
