"""A robot opened for work by hand: read it, switch torque on, write targets; torque is off on every way out."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Protocol

from sim2real.configs.errors import UserError
from sim2real.configs.load import as_robot
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.clock import NS_PER_S, Clock, MonotonicClock, ns_from_s
from sim2real.hardware.errors import HardwareError, PortLostError
from sim2real.hardware.held_signals import signals_held
from sim2real.hardware.imu.interface import WithImus
from sim2real.hardware.interface import JointInterface
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.robot_ports import open_serial_ports
from sim2real.hardware.types import ImuState, JointCommand, JointState
from sim2real.runtime.contract.robot import robot_spec
from sim2real.runtime.envelope.settings import safety_settings
from sim2real.runtime.exit_signals import exit_on_signals
from sim2real.runtime.first_reading import await_first_reading
from sim2real.runtime.interventions import InterventionLog, SafetyEvent
from sim2real.runtime.joint_targets import JointTargets, JointValues
from sim2real.runtime.robot_reading import RobotReading
from sim2real.runtime.safety import Safety
from sim2real.runtime.torque_off import TorqueOff
from sim2real.runtime.verdict import ALL_WELL, Level, Verdict

_FIRST_PERIOD_NS = 10_000_000  # between two tries to read the whole robot; a bus of twelve motors answers in 2 ms


class RobotInterface(JointInterface, WithImus, Protocol):
    """Joints and IMUs of a robot."""

    @property
    def notices(self) -> list[str]:
        """What `open` changed in motors and IMUs, one line each."""
        ...


@contextmanager
def open_robot(robot: str | Path | RobotConfig, *, ports: Mapping[str, str] | None = None) -> "Iterator[OpenRobot]":
    """Open the motors and IMUs of a robot, torque off; close them when the block ends, torque off.

    Torque is off on every way out: the end of the block, an exception, Ctrl-C, `sys.exit`, a generator that is closed,
    a robot that does not open or enable. SIGTERM, SIGHUP and SIGQUIT raise SystemExit in the block unless the program
    has a handler of its own; signals in the middle of switching torque off wait until that is done. What no program can
    catch (`kill -9`, a pulled cable) is left to what `enable` arms: a supervisor process, which brings the motors to
    `safety.on_death` when nothing is sent for `safety.watchdog`, and the motors' own watchdogs. Some motors then keep
    torque on, and the supervisor reaches none behind a pulled cable: the documentation of safety says what each does.

    Signals reach the main thread alone. In another one the block must end by itself, and before the program does: what
    ends with a daemon thread is left to them too.

    This is for the workbench. The limits and the safety envelope of the YAML hold (see `OpenRobot.write`); there is no
    ramp to the start pose, no fixed rate and no log. `run` has those.

    Args:
        robot: A shipped robot, a YAML file, or a loaded robot.
        ports: Path of a serial port by name of its bus or IMU; else the `port` in the YAML.

    Yields:
        The open robot.

    Raises:
        ConfigError: There is no such robot, or it is not valid.
        HardwareError: No such bus or IMU, a port that does not open, a motor that is missing or another one; or, at the
            end, motors that did not confirm torque off, by name. An exception on its way gets that as a note.

    Example:
        >>> import sim2real
        >>> with sim2real.emulate("pendulum", plant="inertia") as emulated:
        ...     with sim2real.open_robot("pendulum", ports=emulated.ports) as robot:
        ...         robot.enable()
        ...         changed = robot.write(effort={"pivot": 0.1})
        ...         reading = robot.read()
        >>> reading.joint_names, changed, robot.enabled
        (('pivot',), (), False)
    """
    config = as_robot(robot)
    clock = MonotonicClock()
    with exit_on_signals():
        hardware = RobotHardware(config, open_serial_ports(config, ports or {}, clock), clock)
        with opened(config, hardware, clock) as ready:
            yield ready


@contextmanager
def opened(robot: RobotConfig, hardware: RobotInterface, clock: Clock) -> "Iterator[OpenRobot]":
    """Open hardware for the block, and close it, torque off, on every way out.

    Args:
        robot: The robot.
        hardware: Its motors and IMUs, not yet opened.
        clock: The clock of the hardware.

    Raises:
        HardwareError: The hardware is not as configured, or a motor did not confirm torque off at the end. With another
            exception on its way, that is added to it as a note.
    """
    ready = OpenRobot(robot, hardware, clock)
    try:
        try:
            _open(robot, hardware, clock)
            yield ready
        finally:
            ready.close()
    except BaseException as error:
        ready.close()  # a signal may have come just before they were held; closing twice does nothing
        _tell(error, ready.torque_problem)
        raise
    if ready.torque_problem:
        raise HardwareError(ready.torque_problem)


def _open(robot: RobotConfig, hardware: RobotInterface, clock: Clock) -> None:
    """Open; if that fails, torque goes off also on motors that a program before this one has left on."""
    try:
        hardware.open()
    except BaseException as error:
        torque = TorqueOff(robot, hardware, clock)
        with signals_held():
            torque.confirm()
        _tell(error, torque.problem)
        raise


def _tell(error: BaseException, problem: str) -> None:
    """Add to an error on its way that torque off was not confirmed; raises a longer one where that is one line."""
    if not problem or problem in str(error):
        return
    if isinstance(error, HardwareError):
        raise HardwareError(f"{error}; {problem}") from error
    error.add_note(problem)


class OpenRobot:
    """An open robot. Made by `open_robot`; not to be shared between threads.

    Args:
        robot: The robot.
        hardware: Its motors and IMUs.
        clock: The clock of the hardware.
    """

    def __init__(self, robot: RobotConfig, hardware: RobotInterface, clock: Clock) -> None:
        self._spec = robot_spec(robot)
        self._hardware, self._clock = hardware, clock
        self._imu_names = tuple(robot.imus)
        # Writes come at no fixed rate. Between two of them is at most the watchdog's time, or the motors have stopped.
        self._gap_s_max = robot.safety.watchdog
        self._reading_age_max_ns = ns_from_s(robot.safety.reading_age_max)
        # A robot on a bench may be tilted as its owner likes.
        self._settings = replace(safety_settings(robot), tilt_max=inf)
        self._safety = Safety(self._spec, self._settings, self._gap_s_max)
        self._targets = JointTargets(self._spec)
        self._joints = JointState.empty(len(robot.joints))
        self._imus = ImuState.empty(len(robot.imus))
        self._command = JointCommand.zeros(len(robot.joints))
        self._torque = TorqueOff(robot, hardware, clock)
        self._may_have_torque = False
        self._closed = False
        self._verdict: Verdict = ALL_WELL
        self._enabled = False
        self._read_ns = self._written_ns = 0
        self._read_since_write = False

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Names of the J joints, in the order of every array."""
        return self._hardware.joint_names

    @property
    def imu_names(self) -> tuple[str, ...]:
        """Names of the K IMUs, in the order of every array."""
        return self._imu_names

    @property
    def notices(self) -> tuple[str, ...]:
        """What opening changed in motors and IMUs, one line each."""
        return tuple(self._hardware.notices)

    @property
    def torque_problem(self) -> str:
        """Which motors did not confirm torque off, and what to do about it; empty when all have."""
        return self._torque.problem

    @property
    def enabled(self) -> bool:
        """Whether torque is on."""
        return self._enabled

    def read(self) -> RobotReading:
        """Read all joints and IMUs with one exchange on each bus.

        A joint that does not answer keeps its values and is not `fresh`. While torque is on, safety judges the reading
        as in a run, but for tilt and missed ticks.

        Returns:
            The reading; its arrays are copies. SI units.

        Raises:
            HardwareError: A fault while torque was on (a motor's own, a joint beyond its limits by their margin, too
                hot, wrong voltage, silent for `communication_loss`): torque is off. PortLostError: a port vanished.
        """
        self._read()
        return RobotReading.of(self._read_ns, self.joint_names, self._imu_names, self._joints, self._imus)

    def enable(self) -> None:
        """Switch torque on without a jump: position targets begin where the joints are, efforts at zero.

        Supervisor and watchdogs are armed from here on: `write` at least every `safety.watchdog`, or they end it.

        Raises:
            HardwareError: No complete reading within a second, a reading that is no ground for torque, or a motor that
                refused. Torque is off on all motors then.
        """
        try:
            self._enable()
        except BaseException:
            self._cut()
            raise

    def write(
        self,
        position: JointValues | None = None,
        *,
        velocity: JointValues | None = None,
        effort: JointValues | None = None,
        stiffness: JointValues | None = None,
        damping: JointValues | None = None,
    ) -> tuple[SafetyEvent, ...]:
        """Send targets to all joints. A joint or quantity that is not named keeps its last target.

        Joints in mode `position` follow `position` alone, those in mode `current` follow `effort` alone, those in mode
        `impedance` follow all five: effort = stiffness·(position − q) + damping·(velocity − q̇) + effort.

        Refused, with nothing sent: a value that is not finite or outside the joint's limits, a joint that is not there
        or does not follow the quantity, a robot whose torque is off. Bounded and reported: a position target moves from
        the one before at `velocity_limit` times the time since then, so write it again until it is reached; effort that
        would push a joint farther beyond a position limit, or faster than `velocity_limit`. Readings too old to act on
        are answered with damping. Not checked: whether joints or links hit each other or anything else.

        Args:
            position: rad.
            velocity: rad/s.
            effort: N·m.
            stiffness: N·m/rad, up to the joint's.
            damping: N·m·s/rad, up to the joint's.

        Each is a mapping from joint names, or an array (J,) in the order of `joint_names`.

        Returns:
            What safety changed of it; empty when the targets were sent as they are.

        Raises:
            UserError: A target that is refused; torque stays as it is.
            HardwareError: As `read`, of which there is one before each write unless you have just done it.
        """
        if not self._enabled:
            raise UserError("torque is off: enable() the robot before write()")
        self._targets.take(
            {"position": position, "velocity": velocity, "effort": effort, "stiffness": stiffness, "damping": damping}
        )
        if not self._read_since_write or self._clock.now_ns() - self._read_ns > self._reading_age_max_ns:
            self._read()
        now_ns = self._clock.now_ns()
        changed = self._bound(now_ns)
        try:
            self._hardware.write(self._command)
        except PortLostError as error:
            raise PortLostError(self._fault(str(error))) from error
        self._written_ns, self._read_since_write = now_ns, False
        return changed

    def disable(self) -> None:
        """Switch torque off on every motor that can be reached.

        Raises:
            HardwareError: A motor did not confirm.
        """
        if trouble := self._cut():
            raise HardwareError(trouble)

    def close(self) -> None:
        """Switch torque off, again until it is confirmed or two seconds are over, and release the ports. Never raises.

        `open_robot` does it, and raises what `torque_problem` says. Closing twice does nothing. Signals wait until it
        is done.
        """
        with signals_held():
            if self._may_have_torque and not self._closed:
                self._torque.confirm()
            self._closed, self._enabled = True, False
            self._hardware.close()

    def _read(self) -> None:
        try:
            self._hardware.read(self._joints)
        except PortLostError as error:
            if not self._enabled:
                raise
            raise PortLostError(self._fault(str(error))) from error
        self._hardware.read_imus(self._imus)
        self._read_ns, self._read_since_write = self._clock.now_ns(), True
        if self._enabled:
            self._check()

    def _check(self) -> None:
        """Let safety judge the last reading; a fault switches torque off."""
        self._verdict = self._safety.check(self._joints, self._read_ns, 0)
        if self._verdict.level is Level.FAULT:
            log = InterventionLog(self._spec, self._settings.buses)
            log.add_violations(self._read_ns, self._verdict.violations)
            raise HardwareError(self._fault("; ".join(map(str, log.events))))

    def _enable(self) -> None:
        await_first_reading(self._read, self._spec, self._joints, ImuState.empty(0), self._clock, _FIRST_PERIOD_NS)
        self._safety.begin(self._joints, self._read_ns)
        self._check()
        self._targets.hold(self._joints)
        self._may_have_torque = True
        self._hardware.enable()
        self._written_ns, self._enabled = self._clock.now_ns(), True
        # A robot that falls is no longer where it was: targets begin where it is now.
        self._read()
        self._safety.begin(self._joints, self._read_ns)
        self._targets.hold(self._joints)
        self._read_since_write = False

    def _bound(self, now_ns: int) -> tuple[SafetyEvent, ...]:
        """Bring the targets into a command inside the limits; return what was changed."""
        log, command = InterventionLog(self._spec, self._settings.buses), self._command
        self._targets.copy_to(command)
        self._safety.allow_for(min((now_ns - self._written_ns) / NS_PER_S, self._gap_s_max))
        if self._verdict.level is Level.DAMP:
            log.add_violations(now_ns, self._verdict.violations)
            bits = self._safety.damp(command, self._joints)
        else:
            bits = self._safety.limit(command, self._joints)
        log.add_limits(now_ns, bits, self._safety.requested, command)
        return tuple(log.events)

    def _fault(self, what: str) -> str:
        """Switch torque off; return what was wrong, and what came of it."""
        trouble = self._cut()
        return f"{what}; torque was switched off" + (f": {trouble}" if trouble else "")

    def _cut(self) -> str:
        """Switch torque off; return what went wrong, or an empty text."""
        self._enabled = False
        with signals_held():
            self._torque.cut()
        self._may_have_torque = not self._torque.confirmed
        return self._torque.problem
