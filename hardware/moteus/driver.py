"""The driver of a moteus bus, with true impedance control.

A tick queries all controllers in one write, reads the replies, and later commands all controllers in one write without
replies. The command could include the query of the next tick, which would save one CAN frame, but then the policy's
observations would be a whole period old.
"""

import math
from collections.abc import Mapping

from sim2real.configs.schema.robot import BusConfig, JointConfig
from sim2real.configs.schema.safety import SafetyConfig
from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.finite import FiniteCheck
from sim2real.hardware.moteus.client import MARGIN_S, NUMBERS, Client, asking_id, question
from sim2real.hardware.moteus.commands import CommandLines
from sim2real.hardware.moteus.controllers import Controllers
from sim2real.hardware.moteus.lines import encode_send
from sim2real.hardware.moteus.reading import QUERY, Reading
from sim2real.hardware.moteus.tables import Mode, motor_fault
from sim2real.hardware.types import BusCounters, JointCommand, JointState, MotorFault


class MoteusBus:
    """The joints of one moteus bus; implements `JointInterface`.

    Joint angle = direction * (motor angle - zero). At power-up the motor angle is absolute within one turn of the
    output.

    Attributes:
        notices: What `open` changed in the motors, one line each, for the user.
    """

    def __init__(
        self,
        bus: BusConfig,
        joints: Mapping[str, JointConfig],
        safety: SafetyConfig,
        transport: Transport,
        clock: Clock,
        reply_margin_s: float = MARGIN_S,
    ) -> None:
        """Prepare the bus. Nothing is sent before `open`.

        Args:
            bus: The bus configuration; its baud rate matters only for a UART.
            joints: The joints on the bus, in array order.
            safety: Gives how long the controllers keep running without commands.
            transport: An open port. The bus owns it from now on and closes it.
            clock: The clock of the transport.
            reply_margin_s: Longest wait for replies in addition to the time on CAN, s.
        """
        self._baudrate = round(bus.baudrate)
        self._transport, self._margin_s = transport, reply_margin_s
        self._names = tuple(joints)
        self._joints = tuple(joints.values())
        self._counters = BusCounters(by_joint=dict.fromkeys(joints, 0))
        self._client = Client(transport, clock, BusCounters())
        self._commands = CommandLines(self._joints, safety.watchdog)
        self._group = Controllers(joints, self._client, clock, self._commands)
        self._finite = FiniteCheck(len(joints))
        self._requests: list[bytes] = []  # by number
        self._opened = self._enabled = self._closed = False
        self._restarted: frozenset[int] = frozenset()  # indices of controllers that stopped by themselves
        self.notices: list[str] = []

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Joint names in array order."""
        return self._names

    @property
    def counters(self) -> BusCounters:
        """Message counters since `open`."""
        return self._counters

    def open(self) -> None:
        """Find the controllers and stop them.

        Raises:
            HardwareError: A controller is missing, is another model, has a latched fault, or has no valid position.
        """
        try:
            self._transport.set_baudrate(self._baudrate)
            self._client.decide_checksum(self._joints[0].id)
            self._group.identify()
            self.notices = self._group.check()
            _raise_if(self._group.stop())
        except BaseException:
            self._group.stop()  # an earlier run that crashed may have left torque on
            raise
        checksum = self._client.checksum
        self._requests = [
            b"".join(encode_send(asking_id(joint.id), question(number, QUERY), checksum) for joint in self._joints)
            for number in range(NUMBERS + 1)
        ]
        self._client.counters = self._counters  # count from here on, not during set-up
        self._opened = True

    def read(self, state: JointState) -> None:
        """Update the state with one exchange.

        Raises:
            PortLostError: The port vanished.
            HardwareError: The bus is not open.
        """
        if not self._opened:
            raise HardwareError("bus is not open")
        state.fresh.fill(False)  # also when the port is lost
        number = self._client.next_number()
        answers = self._client.collect(self._requests[number], number, self._group.ids, self._margin_s)
        for place, answer, reading in self._group.decoded(answers):
            self._take(state, place, answer.arrived_ns, reading)
        self._counters.reads += 1
        for place, name in enumerate(self._names):
            if not state.fresh[place]:
                self._counters.by_joint[name] += 1

    def write(self, command: JointCommand) -> None:
        """Send the targets of all joints with one write. Sends nothing before `enable`: it would start the motors.

        Raises:
            ValueError: A target is not finite: nothing was sent.
            PortLostError: The port vanished.
            HardwareError: The bus is not open.
        """
        if not self._finite(command):
            raise ValueError("a target is not finite; nothing was sent")
        if not self._opened:
            raise HardwareError("bus is not open")
        if not self._enabled:
            return
        self._commands.set_targets(command)
        self._client.send(self._commands.lines(self._client.checksum, self._restarted))
        self._counters.writes += 1

    def enable(self) -> None:
        """Clear time-outs, then enter position mode at the present positions, with zero stiffness and damping.

        Raises:
            HardwareError: A controller refused; torque is off on all controllers that can be reached.
        """
        if not self._opened:
            raise HardwareError("bus is not open")
        self._enabled = False
        try:
            _raise_if(self._group.stop())
            self._group.start()
        except BaseException:
            self._group.stop()
            raise
        self._restarted = frozenset()
        self._enabled = True

    def disable(self) -> None:
        """Stop every controller that can be reached.

        Raises:
            HardwareError: Names the controllers that did not confirm.
        """
        self._enabled = False
        _raise_if(self._group.stop(), "torque may still be on: ")

    def close(self) -> None:
        """Stop the controllers where possible and release the port. Never raises."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._opened:
                self._group.stop()
        finally:
            self._opened = self._enabled = False
            self._transport.close()

    def _take(self, state: JointState, place: int, now_ns: int, reading: Reading) -> None:
        joint = self._joints[place]
        if not math.isfinite(reading.position):
            state.faults[place] = int(MotorFault.ENCODER)
            return
        state.position[place] = joint.direction * (reading.position * math.tau - joint.zero)
        state.velocity[place] = joint.direction * reading.velocity * math.tau
        state.effort[place] = joint.direction * reading.torque
        state.voltage[place], state.temperature[place] = reading.voltage, reading.temperature
        state.stamp_ns[place] = state.health_stamp_ns[place] = now_ns
        state.fresh[place] = True
        faults = motor_fault(reading.mode, reading.fault)
        if self._enabled and reading.mode in _RESTARTED:
            self._restarted |= {place}
        if place in self._restarted:
            faults |= MotorFault.OTHER
        state.faults[place] = int(faults)


_RESTARTED = (Mode.STOPPED, Mode.ENABLING, Mode.CALIBRATING, Mode.CALIBRATION_COMPLETE)


def _raise_if(reasons: list[str], prefix: str = "") -> None:
    if reasons:
        raise HardwareError(prefix + "; ".join(reasons))
