"""All joints of a robot on all its buses, and its IMUs, in the order of the robot YAML."""

from collections.abc import Mapping
from contextlib import ExitStack

import numpy as np

from sim2real.configs.schema.robot import BusConfig, ImuConfig, JointConfig, RobotConfig
from sim2real.hardware.bus.checked_transport import CheckedTransport, Checkpoint
from sim2real.hardware.bus.serial_port import SerialPort
from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.families import family_of_bus
from sim2real.hardware.finite import FiniteCheck
from sim2real.hardware.imu.robot_imus import RobotImus
from sim2real.hardware.interface import BusDriver
from sim2real.hardware.run_all import run_all
from sim2real.hardware.types import BusCounters, ImuState, Int64Array, JointCommand, JointState


class RobotHardware:
    """The motors and IMUs of a robot; implements `JointInterface`, with one driver for each bus, and `WithImus`.

    It also implements `Interruptible`: opening and switching on can be ended between two frames.
    """

    def __init__(self, robot: RobotConfig, transports: Mapping[str, Transport], clock: Clock) -> None:
        """Make the drivers. Nothing is sent before `open`.

        Args:
            robot: The robot.
            transports: An open port for each bus and IMU, by name. `close` closes them.
            clock: The clock of the transports.

        Raises:
            HardwareError: A bus or an IMU has no transport.
        """
        self._names = robot.joint_names
        self._finite = FiniteCheck(len(self._names))
        self._buses: list[BusDriver] = []
        self._slices: list[_Slice] = []
        self._transports: list[CheckedTransport] = []
        self._checkpoint: Checkpoint = _go_on
        for bus_name, bus in robot.buses.items():
            joints = {name: joint for name, joint in robot.joints.items() if joint.bus == bus_name}
            if not joints:
                continue
            if bus_name not in transports:
                raise HardwareError(f"no port for bus {bus_name!r}")
            transport = CheckedTransport(transports[bus_name])
            self._transports.append(transport)
            self._buses.append(family_of_bus(bus).driver(bus, joints, robot.safety, transport, clock))
            self._slices.append(_Slice(self._names, joints))
        checked = {name: CheckedTransport(transports[name]) for name in robot.imus if name in transports}
        self._imu_transports = tuple(checked.values())
        self._imus = RobotImus(robot.imus, checked, clock)

    def check_with(self, checkpoint: Checkpoint) -> None:
        """Call the checkpoint before each write of `open` and `enable`; see `Interruptible`."""
        self._checkpoint = checkpoint

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Joint names in array order: the order of the robot YAML."""
        return self._names

    @property
    def buses(self) -> tuple[BusDriver, ...]:
        """The drivers, in the order of the robot YAML."""
        return tuple(self._buses)

    @property
    def notices(self) -> list[str]:
        """What `open` changed in motors and IMUs, one line each."""
        return [notice for bus in self._buses for notice in bus.notices] + self._imus.notices

    @property
    def counters(self) -> BusCounters:
        """Message counters of all buses since `open`."""
        total = BusCounters()
        for bus in self._buses:
            own = bus.counters
            total.reads += own.reads
            total.writes += own.writes
            total.timeouts += own.timeouts
            total.corrupt += own.corrupt
            total.unexpected += own.unexpected
            total.by_joint |= own.by_joint
        return total

    def open(self) -> None:
        """Open all buses and IMUs, torque off. Raises HardwareError if one fails; torque is then off on all."""
        opened = 0
        try:
            for bus, transport in zip(self._buses, self._transports, strict=True):
                with transport.checking(self._checkpoint):
                    bus.open()
                opened += 1
            with ExitStack() as stack:
                for imu in self._imu_transports:
                    stack.enter_context(imu.checking(self._checkpoint))
                self._imus.open()
        except BaseException:
            self._disable_quietly(opened)
            raise

    def read(self, state: JointState) -> None:
        """Update the state with one exchange on each bus, one after the other. Raises PortLostError."""
        state.fresh.fill(False)
        for bus, part in zip(self._buses, self._slices, strict=True):
            if part.whole:
                bus.read(state)
            else:
                bus.read(part.state)
                part.scatter(state)

    def read_imus(self, state: ImuState) -> None:
        """Update the state with what the IMUs have sent since the last call; does not wait. Never raises."""
        self._imus.read(state)

    def write(self, command: JointCommand) -> None:
        """Send the targets with one frame on each bus.

        Raises:
            ValueError: A target of any joint is not finite: nothing was sent on any bus.
            PortLostError: A port vanished.
        """
        if len(self._buses) > 1 and not self._finite(command):
            raise ValueError("a target is not finite; nothing was sent")
        for bus, part in zip(self._buses, self._slices, strict=True):
            if part.whole:
                bus.write(command)
            else:
                part.gather(command)
                bus.write(part.command)

    def enable(self) -> None:
        """Switch torque on without a jump. Raises HardwareError if a motor refused; torque is then off on all."""
        for bus, transport in zip(self._buses, self._transports, strict=True):
            try:
                with transport.checking(self._checkpoint):
                    bus.enable()
            except BaseException:
                self._disable_quietly(len(self._buses))
                raise

    def disable(self) -> None:
        """Switch torque off on every motor that can be reached. Raises HardwareError if one did not confirm."""
        reasons = run_all(bus.disable for bus in self._buses)
        if reasons:
            raise HardwareError("; ".join(reasons))

    def close(self) -> None:
        """Switch torque off where possible and release the ports. Never raises; a second call does nothing."""
        run_all((*(bus.close for bus in self._buses), self._imus.close))

    def _disable_quietly(self, count: int) -> None:
        """Switch torque off on the first `count` buses; ignore errors, as an earlier error is being raised."""
        run_all(bus.disable for bus in self._buses[:count])


def _go_on() -> None:
    """Stop nothing."""


class _Slice:
    """The rows of one bus's joints in the arrays of the robot."""

    def __init__(self, names: tuple[str, ...], joints: Mapping[str, JointConfig]) -> None:
        self.whole = tuple(joints) == names
        self.state = JointState.empty(len(joints))
        self.command = JointCommand.zeros(len(joints))
        self._index: Int64Array = np.array([names.index(name) for name in joints], np.int64)

    def scatter(self, state: JointState) -> None:
        """Copy the readings of this bus into the state of the robot."""
        for name in JointState.__slots__:
            getattr(state, name)[self._index] = getattr(self.state, name)

    def gather(self, command: JointCommand) -> None:
        """Copy the targets of this bus from the command of the robot."""
        index, own = self._index, self.command
        # The indices are valid: the mode that checks them copies through a buffer, and takes four times as long.
        command.position.take(index, None, own.position, "clip")
        command.velocity.take(index, None, own.velocity, "clip")
        command.effort.take(index, None, own.effort, "clip")
        command.stiffness.take(index, None, own.stiffness, "clip")
        command.damping.take(index, None, own.damping, "clip")


def open_serial_ports(robot: RobotConfig, overrides: Mapping[str, str], clock: Clock) -> dict[str, Transport]:
    """Open the port of each bus that has joints, and of each IMU.

    Args:
        robot: The robot.
        overrides: Paths by bus or IMU name; they override the YAML's ports.
        clock: The clock of the ports.

    Raises:
        HardwareError: A bus or IMU does not exist or has no path, or a port does not open; all opened ports are closed
            again.
    """
    valid = [*robot.buses, *robot.imus]
    for name in overrides:
        if name not in valid:
            kind = "bus or IMU" if robot.imus else "bus"
            raise HardwareError(f"robot {robot.name!r} has no {kind} {name!r}; valid: {', '.join(valid)}")
    used = {joint.bus for joint in robot.joints.values()}
    wanted: list[tuple[str, str, BusConfig | ImuConfig]] = [
        *(("bus", name, bus) for name, bus in robot.buses.items() if name in used),
        *(("IMU", name, imu) for name, imu in robot.imus.items()),
    ]
    ports: dict[str, Transport] = {}
    try:
        for kind, name, config in wanted:
            path = overrides.get(name, config.port)
            if path is None:
                raise HardwareError(
                    f"no port for {kind} {name!r}: give its path (--port {name}=PATH) or set `port` in the robot YAML"
                )
            ports[name] = SerialPort(path, round(config.baudrate), clock)
    except HardwareError:
        for port in ports.values():
            port.close()
        raise
    return ports
