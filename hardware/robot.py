"""All joints of a robot on all its buses, and its IMUs, in the order of the robot YAML."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final

from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.bus_rows import BusRows
from sim2real.hardware.clock import Clock, ns_from_s
from sim2real.hardware.errors import HardwareError, PortLostError, TorqueOnError
from sim2real.hardware.families import family_of_bus
from sim2real.hardware.finite import FiniteCheck
from sim2real.hardware.hold_watch import HoldWatch
from sim2real.hardware.imu.robot_imus import RobotImus
from sim2real.hardware.interface import Between, BusDriver, nothing
from sim2real.hardware.run_all import run_all
from sim2real.hardware.supervision import Supervised
from sim2real.hardware.supervisor.supervisor import WATCH_SHARE, Plan, Watched
from sim2real.hardware.torque_off import confirm_off, send_off
from sim2real.hardware.types import (
    BusCounters,
    ImuState,
    JointCommand,
    JointState,
    MotorFault,
    Supervision,
)

_FEED_SHARE: Final = 0.25
"""Share of `safety.watchdog` after which motors that have torque are fed, while others are switched on."""


class RobotHardware:
    """The motors and IMUs of a robot; implements `JointInterface`, with one driver for each bus, and `WithImus`.

    It also implements `Interruptible`: opening and switching on can be ended between two frames.
    """

    def __init__(
        self,
        robot: RobotConfig,
        transports: Mapping[str, Transport],
        clock: Clock,
        tell: Callable[[str], None] = lambda notice: None,
    ) -> None:
        """Make the drivers. Nothing is sent before `open`.

        Args:
            robot: The robot.
            transports: An open port for each bus and IMU, by name. `close` closes them.
            clock: The clock of the transports.
            tell: Called with each notice of `open` as soon as its bus is done, also when it then fails.

        Raises:
            HardwareError: A bus or an IMU has no transport.
        """
        self._names = robot.joint_names
        self._finite = FiniteCheck(len(self._names))
        self._buses: list[BusDriver] = []
        names: list[str] = []
        self._slices: list[BusRows] = []
        self._checkpoint: Between = nothing
        for bus_name, bus in robot.buses.items():
            joints = {name: joint for name, joint in robot.joints.items() if joint.bus == bus_name}
            if not joints:
                continue
            if bus_name not in transports:
                raise HardwareError(f"no port for bus {bus_name!r}")
            self._buses.append(family_of_bus(bus).driver(bus, joints, robot.safety, transports[bus_name], clock))
            self._slices.append(BusRows(self._names, joints))
            names.append(bus_name)
        self._transports = [transports[name] for name in names]
        self._clock = clock
        self._asked = [False] * len(self._buses)
        self._driven: list[BusDriver] = []  # buses whose motors have torque while others are still switched on
        self._on_death = robot.safety.on_death
        self._supervised = Supervised(ns_from_s(WATCH_SHARE * robot.safety.watchdog))
        self._hold = HoldWatch(list(robot.joints.values()))
        self._tell = tell
        self._feed_period_ns = ns_from_s(_FEED_SHARE * robot.safety.watchdog)
        self._feed_due_ns = 0
        self._closed = False
        self._imus = RobotImus(robot.imus, transports, clock)

    def check_with(self, checkpoint: Between) -> None:
        """Call the checkpoint before each request and in each wait of a long step; see `Interruptible`."""
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
            total.settings_written += own.settings_written
            total.by_joint |= own.by_joint
        total.settings_written += self._imus.settings_written
        return total

    @property
    def supervision(self) -> Supervision:
        """Whether the supervisor watches this process; some memory loads."""
        return self._supervised.state

    def open(self) -> None:
        """Switch torque off where that hides no fault, then open all buses, with torque off, and the IMUs.

        Raises:
            HardwareError: A bus or an IMU does not open; torque off was sent on all buses, whether opened or not.
        """
        between = self._between
        with self._off_on_error():
            send_off([bus for bus in self._buses if not bus.off_clears_faults])  # a killed program may have left it on
            for bus in self._buses:
                between()
                with self._telling(bus):
                    bus.open(between)
            with self._telling(self._imus):
                self._imus.open(between)
            between()

    def read(self, state: JointState) -> None:
        """Update the state with one exchange on each bus: all are asked, then their replies are collected.

        Raises:
            PortLostError: A port vanished; the other buses were read.
        """
        state.fresh.fill(False)
        self._supervised.feed()
        lost: PortLostError | None = None
        for index, bus in enumerate(self._buses):
            self._asked[index] = False
            try:
                bus.begin_read()
                self._asked[index] = True
            except PortLostError as error:
                lost = error
        for index, (bus, part) in enumerate(zip(self._buses, self._slices, strict=True)):
            if not self._asked[index]:
                continue
            try:
                bus.end_read(part.state(state))
                part.scatter(state)
            except PortLostError as error:
                lost = error
        if self._supervised.tripped:
            state.faults &= ~int(MotorFault.RESTARTED)  # torque is off, or gains are others, because of the supervisor
            state.faults |= int(MotorFault.WATCHDOG)
        if self._hold.watching:
            self._hold.judge(state, self._clock.now_ns())
        else:
            self._hold.remember(state)
        if lost is not None:
            raise lost

    def read_imus(self, state: ImuState) -> None:
        """Update the state with what the IMUs have sent since the last call; does not wait. Never raises."""
        self._imus.read(state)

    def write(self, command: JointCommand) -> None:
        """Send the targets with one frame on each bus. Sends nothing after the supervisor has stopped the motors.

        Raises:
            ValueError: A target of any joint is not finite: nothing was sent on any bus.
            PortLostError: A port vanished; the other buses got their targets.
        """
        if len(self._buses) > 1 and not self._finite(command):
            raise ValueError("a target is not finite; nothing was sent")
        if self._supervised.tripped:
            return
        self._supervised.feed()
        if self._hold.watching:
            self._hold.note(command)
        lost: PortLostError | None = None
        for bus, part in zip(self._buses, self._slices, strict=True):
            try:
                bus.write(part.command(command))
            except PortLostError as error:
                lost = error
        if lost is not None:
            raise lost

    def enable(self) -> None:
        """Start the supervisor, then switch torque on without a jump, bus by bus; those that have it are fed.

        Raises:
            HardwareError: A motor refused, or the supervisor does not start; torque is off on all motors.
        """
        between = self._between
        with self._off_on_error():
            between()
            self._supervise()
            asked_ns = self._clock.now_ns()
            for bus in self._buses:
                bus.enable(between)
                self._driven.append(bus)
            between()
            self._keep_alive()
            self._hold.begin(asked_ns, self._clock.now_ns())
            self._supervised.plan(Plan.DEATH)

    def torque_off(self) -> None:
        """Send torque off on all buses, one frame on each. Waits for nothing; never raises HardwareError."""
        self._driven.clear()
        self._hold.end()
        self._supervised.plan(Plan.OFF)  # if this process ends now, torque is to stay off
        send_off(self._buses)

    def disable(self) -> None:
        """Send torque off on all buses, then ask all motors in turn until each has confirmed, for a bounded time.

        Raises:
            TorqueOnError: Names the joints whose motors did not confirm.
        """
        self.torque_off()
        try:
            joints = confirm_off(self._buses, self._clock, between=self._supervised.feed)
        finally:
            self._supervised.end()
        if joints:
            raise TorqueOnError(joints)

    def recover(self) -> None:
        """Switch torque off, restart the motors that have tripped, and configure all again; IMUs that were lost, too.

        Raises:
            HardwareError: A motor is missing, or still reports a fault.
        """
        between = self._between
        self.torque_off()
        self._supervised.end()
        with self._off_on_error():
            for bus in self._buses:
                between()
                bus.recover(between)
            self._imus.recover(between)

    def close(self) -> None:
        """Switch torque off where possible and release the ports. Never raises; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        run_all((self._switch_off_quietly, *(bus.close for bus in self._buses), self._imus.close))

    @contextmanager
    def _telling(self, part: BusDriver | RobotImus) -> Iterator[None]:
        """Tell the notices of a part when the block ends, however it ends."""
        try:
            yield
        finally:
            for notice in part.notices:
                self._tell(notice)

    @contextmanager
    def _off_on_error(self) -> Iterator[None]:
        """Switch torque off on all buses if the block raises; a HardwareError then names motors without confirmation.

        Raises:
            TorqueOnError: Some motors did not confirm, and the error of the block does not name them all.
        """
        try:
            yield
        except HardwareError as error:
            try:
                self.disable()
            except TorqueOnError as left:
                if all(repr(joint) in str(error) for joint in left.joints):
                    raise error from left
                raise TorqueOnError(left.joints, str(error)) from error
            raise
        except BaseException:
            self._switch_off_quietly()
            raise

    def _switch_off_quietly(self) -> None:
        """Switch torque off on all buses. Silent about motors that do not confirm: an earlier error is raised."""
        with suppress(HardwareError):
            self.disable()

    def _between(self) -> None:
        """Done before any request of a long step: look for a stop, and feed what has torque."""
        self._checkpoint()
        self._supervised.feed()
        if self._driven and self._clock.now_ns() >= self._feed_due_ns:
            self._keep_alive()

    def _keep_alive(self) -> None:
        """Feed the watchdogs of the motors that have torque."""
        for bus in self._driven:
            bus.keep_alive()
        self._feed_due_ns = self._clock.now_ns() + self._feed_period_ns

    def _supervise(self) -> None:
        """Start a supervisor that watches this process from now on."""
        ports = [
            Watched(transport, bus.stop_frames("off"), bus.stop_frames(self._on_death))
            for transport, bus in zip(self._transports, self._buses, strict=True)
        ]
        self._supervised.begin(ports)
