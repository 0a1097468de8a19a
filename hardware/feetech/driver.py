"""All Feetech STS motors of one bus as joints: one sync read and one sync write each tick."""

from collections.abc import Mapping

import numpy as np

from sim2real.configs.schema.robot import BusConfig, JointConfig, SafetyConfig
from sim2real.hardware.bus.discovery import find_motors
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
from sim2real.hardware.finite import FiniteCheck
from sim2real.hardware.guardian.guardian import Guarded, Guardian
from sim2real.hardware.run_all import run_all
from sim2real.hardware.types import BoolArray, BusCounters, JointCommand, JointState, MotorFault

_REPLY_MARGIN_S = 0.006  # USB frames of 1 ms, latency timer of 1 ms, scheduling of a busy machine; beyond the wire time
_HEALTH_PERIOD_NS = ns_from_s(0.25)  # of voltage, temperature, the guardian, and in turn the torque of one motor
_SETUP_LIMIT_NS = ns_from_s(10.0)  # how long the guardian waits while torque goes on or off, with all retries


class FeetechBus:
    """The joints of one bus; implements `JointInterface`.

    Joint angle = direction * (motor angle - zero); motor angle = steps * 2 pi / steps per turn. The motors have no
    watchdog: while torque is on, a guardian watches over this process.

    Attributes:
        notices: What `open` changed in the motors, one line each, for people to read.
    """

    def __init__(
        self,
        bus: BusConfig,
        joints: Mapping[str, JointConfig],
        safety: SafetyConfig,
        transport: Transport,
        clock: Clock,
        reply_margin_s: float = _REPLY_MARGIN_S,
    ) -> None:
        """Prepare the bus; nothing is sent before `open`.

        Args:
            bus: Its speed.
            joints: The joints on it, in the order of the arrays.
            safety: How long motors go on without instructions.
            transport: An open port. The bus owns it from now on and closes it.
            clock: The clock of the transport.
            reply_margin_s: How much longer than on the wire a reply may take.
        """
        self._baudrate = round(bus.baudrate)
        self._transport, self._clock = transport, clock
        self._margin_s = reply_margin_s
        self._names = tuple(joints)
        self._counters = BusCounters(by_joint=dict.fromkeys(joints, 0))
        self._exchange = Client(transport, clock, self._baudrate)  # its counters are of set-up, not of the run
        self._status = Client(transport, clock, self._baudrate, self._counters, reply_margin_s)
        self._motors = tuple(Motor(name, config, self._exchange) for name, config in joints.items())
        self._limit_ns = ns_from_s(safety.watchdog)
        self._finite = FiniteCheck(len(joints))
        self.notices: list[str] = []
        self._reader: StateReader | None = None
        self._goals: Goals | None = None
        self._readings = Readings(JointScales(self._motors))
        self._guardian: Guardian | None = None
        self._enabled = False
        self._closed = False
        self._health_due_ns = 0
        self._turn = 0  # whose torque is looked at next without a reason
        self._torque_due: set[int] = set()
        self._stopped = np.zeros(len(joints), np.int64)  # faults that only the next enable clears
        register = self._motors[0].table["torque_enable"]
        self._torque_register = bytes((register.address, register.size))
        self._off = encode(BROADCAST, Instruction.WRITE, bytes((register.address, 0)))

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Joint names in the order of every array."""
        return self._names

    @property
    def counters(self) -> BusCounters:
        """What happened on the wire since `open`."""
        return self._counters

    def open(self) -> None:
        """Find and configure the motors, torque off.

        Raises:
            HardwareError: A motor is missing, another model, has an alarm, or keeps a setting; or there are too many.
        """
        if len(self._motors) > MOTORS_MAX:
            raise HardwareError(f"{len(self._motors)} motors on a Feetech bus; valid: up to {MOTORS_MAX}")
        try:
            self._exchange.set_baudrate(self._baudrate)
            identities = find_motors(self._motors, self._exchange.identify, self._exchange, BAUDRATES.values())
            for motor, identity in zip(self._motors, identities, strict=True):
                motor.check_model(identity)
            for motor in self._motors:
                motor.prepare()
            for motor in self._motors:
                motor.configure()
        except HardwareError:
            self._torque_off()  # a run that crashed may have left it on
            raise
        self.notices = [notice for motor in self._motors for notice in motor.notices]
        scales = JointScales(self._motors)  # the unit of velocity is known now
        self._readings = Readings(scales)
        self._goals = Goals(self._motors, scales)
        ids = [motor.id for motor in self._motors]
        table = self._motors[0].table
        self._reader = StateReader(
            ids, table, self._transport, self._clock, self._baudrate, self._margin_s, self._counters
        )
        self._health_due_ns = self._clock.now_ns()

    def read(self, state: JointState) -> None:
        """Update the state with one exchange; now and then also look whether one motor still has its torque.

        Raises:
            PortLostError: The port vanished.
            HardwareError: The bus is not open.
        """
        reader = self._reader
        if reader is None:
            raise HardwareError("bus is not open")
        state.fresh.fill(False)  # also when the port is lost
        now_ns = self._clock.now_ns()
        health = now_ns >= self._health_due_ns
        good = reader.read()
        arrived_ns = self._clock.now_ns()
        self._counters.reads += 1
        if good:
            self._readings.take_all(reader.layout, state, arrived_ns, health)
        else:
            self._readings.take_some(reader.layout, state, reader.answered, reader.asked_ns, health)
            self._miss(reader.answered)
        self._feed_guardian()
        if health:
            self._health_due_ns = now_ns + _HEALTH_PERIOD_NS
            self._look_after(self._turn)
            self._turn = (self._turn + 1) % len(self._motors)
        if self._torque_due and self._enabled:
            self._look_at_torque(state)
        np.bitwise_or(self._readings.alarms, self._stopped, out=state.faults)

    def write(self, command: JointCommand) -> None:
        """Send the targets of all joints with one frame; nothing while torque is off, where a goal may move a motor.

        Raises:
            ValueError: A target is not finite: nothing was sent.
            PortLostError: The port vanished.
            HardwareError: The bus is not open.
        """
        if not self._finite(command):
            raise ValueError("a target is not finite; nothing was sent")
        if self._goals is None:
            raise HardwareError("bus is not open")
        if not self._feed_guardian():
            return
        self._transport.write(self._goals.frame(command))
        self._counters.writes += 1

    def enable(self) -> None:
        """Start the guardian, set goals that move nothing, switch torque on.

        Raises:
            HardwareError: The guardian did not start, or a motor refused; torque is off on all of them, as far as they
                can be reached.
        """
        if self._reader is None:
            raise HardwareError("bus is not open")
        if not isinstance(self._transport, Guarded):
            raise HardwareError(
                "this port can have no guardian, without which nothing stops the motors of a dead program"
            )
        try:
            if self._guardian is None or self._guardian.tripped or self._guardian.gone:
                self._release_guardian(fire=False)
                self._guardian = self._transport.start_guardian(self._off, _SETUP_LIMIT_NS)
            self._guardian.allow_ns(_SETUP_LIMIT_NS)
            for motor in self._motors:
                motor.hold()
            for motor in self._motors:
                self._guardian.feed()
                motor.enable()
        except HardwareError:
            self._release_guardian(fire=bool(self._torque_off()))
            raise
        self._guardian.allow_ns(self._limit_ns)
        self._enabled = True
        self._stopped.fill(0)

    def disable(self) -> None:
        """Switch torque off on every motor that can be reached.

        Raises:
            HardwareError: Names the motors that did not confirm. The guardian then goes on trying for a moment.
        """
        reasons = self._torque_off()
        self._release_guardian(fire=bool(reasons))
        if reasons:
            raise HardwareError(f"torque may still be on: {'; '.join(reasons)}")

    def close(self) -> None:
        """Switch torque off where possible and release the port. Never raises."""
        if self._closed:
            return
        self._closed = True
        reasons = self._torque_off() if self._reader is not None else []
        self._release_guardian(fire=bool(reasons))
        self._reader, self._goals = None, None
        self._transport.close()

    def _torque_off(self) -> list[str]:
        """Switch torque off; return why, for each motor that did not confirm."""
        self._enabled = False
        if self._guardian is not None:
            self._guardian.allow_ns(_SETUP_LIMIT_NS)
        return run_all((lambda: self._exchange.send(self._off), *(motor.disable for motor in self._motors)))

    def _feed_guardian(self) -> bool:
        """Say that all is well; return whether the motors follow goals, which they do not when it has stopped them."""
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

    def _look_after(self, index: int) -> None:
        """Note what is to be looked at, and that there still is a guardian."""
        if self._enabled:
            self._torque_due.add(index)
            if self._guardian is not None and self._guardian.gone:
                self._stopped.fill(int(MotorFault.WATCHDOG))

    def _miss(self, answered: BoolArray) -> None:
        for index, name in enumerate(self._names):
            if not answered[index]:
                self._counters.by_joint[name] += 1
                self._torque_due.add(index)  # it may come back from a restart

    def _look_at_torque(self, state: JointState) -> None:
        """Look whether one motor that answers still has its torque; the others wait for the next ticks."""
        index = next((index for index in sorted(self._torque_due) if state.fresh[index]), None)
        if index is None:
            return
        motor = self._motors[index]
        reply = self._status.request(motor.id, Instruction.READ, self._torque_register, reply_bytes=1, tries=1)
        self._feed_guardian()
        if reply is None:
            return
        self._torque_due.discard(index)
        # Without an alarm or the guardian that switched it off, it has restarted.
        if reply.parameters[0] == 0 and not self._readings.alarms[index] and not self._stopped[index]:
            self._stopped[index] = int(MotorFault.OTHER)
