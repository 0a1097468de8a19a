"""Runs a policy on a robot, real or emulated: start pose, policy, torque off."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path

from sim2real.configs.errors import UserError
from sim2real.configs.load import as_faults, as_robot
from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.scenario import FaultsConfig
from sim2real.hardware.clock import Clock, MonotonicClock
from sim2real.hardware.emulator import process
from sim2real.hardware.emulator.plant import AUTO_PLANT, choose_plant
from sim2real.hardware.interface import JointInterface
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.robot_ports import open_serial_ports
from sim2real.runtime import emulation
from sim2real.runtime.controller import Controller
from sim2real.runtime.decimation import Decimation
from sim2real.runtime.flash.trial import trial_run
from sim2real.runtime.late_replies import blaming, with_emulator
from sim2real.runtime.log_file import Rotation
from sim2real.runtime.operator.attached import Beside, attached
from sim2real.runtime.policy import OnnxPolicy, Policy, check_robot, load_policy
from sim2real.runtime.report import RunReport, RunSetting
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.session import run_session
from sim2real.runtime.stop import StopRequest
from sim2real.runtime.tick import Tick


def run(
    policy: str | Path | Policy,
    robot: str | Path | RobotConfig,
    *,
    ports: Mapping[str, str] | None = None,
    emulate: bool = False,
    lockstep: bool = False,
    plant: str | None = None,
    faults: str | Path | FaultsConfig | None = None,
    duration: float | None = None,
    commands: Mapping[str, float] | None = None,
    on_tick: Callable[[Tick], None] | None = None,
    log: str | Path | None = None,
    real_time: bool = True,
    cpu: int | None = None,
    bus_rate: float | None = None,
    operator: Sequence[str] = (),
    panel: int | None = None,
    start: bool = False,
    live: bool = False,
    foxglove: int | None = None,
    log_rotate: float | None = None,
) -> RunReport:
    """Run a policy on a robot within its safety envelope; torque is off when this returns or raises.

    The robot moves to its start pose, then the policy acts at its control rate. In the main thread SIGINT (Ctrl-C),
    SIGTERM and SIGHUP end the run in order, and this returns; SIGQUIT is the emergency stop.

    Args:
        policy: A shipped policy, an exported ONNX file, or a loaded policy. It must be for this robot, field by field.
        robot: A shipped robot, a YAML file, or a loaded robot.
        ports: Path of a serial port by name of its bus or IMU; else the `port` in the YAML. For a real robot alone.
        emulate: Start an emulated robot behind pseudo-terminals, in real time.
        lockstep: Emulate within this process on a virtual clock: the same each time, and faster than real time.
        plant: Mechanics of the emulated robot; mujoco where it is installed when left out.
        faults: Of the emulated robot: shipped faults, a YAML file, or loaded ones.
        duration: s of policy; until stopped when left out, which `lockstep` does not allow.
        commands: Operator commands by name, SI units; the task's defaults for the rest.
        on_tick: Called after each tick with the `Tick`; it must be quick, for the next tick waits for it. An exception
            ends the run, torque off.
        log: MCAP file to write.
        real_time: Ask for real-time scheduling, locked memory and no garbage collection for the time of the run; what
            is not permitted becomes a warning. Never in lockstep.
        cpu: Stay on this processor.
        bus_rate: Read, check and write so many times a second: a whole multiple of the policy's rate. The robot's own
            when left out.
        operator: Devices that command the run: `keyboard`, `gamepad`, `gamepad:PATH`, `socket:PATH`. The run then waits
            for a start before it switches torque on.
        panel: Port of a browser panel on this machine, 0 for any free one; its address is printed on standard error. It
            is an operator's device, too.
        start: Do not wait for a start.
        live: Show the run on the terminal, if standard error is one. What anything else writes to standard output or
            error during the run is then kept until its end.
        foxglove: Port of a live server for Foxglove on this machine, 0 for any free one; its address is printed on
            standard error. Needs the extra `foxglove`.
        log_rotate: s, after which the log goes on in a new file, `run.1.mcap` after `run.mcap`; half an hour, or
            512 MB, when left out.

    Returns:
        The verdict and the figures; `.document()` is what `sim2real run --json` prints.

    Raises:
        UserError: Something cannot be loaded, does not fit together, or is not as configured.

    Example:
        >>> import sim2real
        >>> report = sim2real.run("pendulum_swingup", "pendulum", lockstep=True, plant="inertia", duration=1.0)
        >>> report.ticks, report.final_state.name, report.interventions_total
        (101, 'RUNNING', 0)
    """
    if emulate and lockstep:
        raise UserError("emulate is in real time, lockstep is not: give one of them")
    if lockstep and cpu is not None:
        raise UserError("cpu is for runs in real time; it does not go with lockstep")
    _check_options(ports, emulated=emulate or lockstep, plant=plant, faults=faults)
    if duration is not None and not 0.0 <= duration < inf:
        raise UserError(f"duration: {duration} s; valid: 0 s and above")
    if lockstep and duration is None:
        raise UserError("lockstep needs a duration: a virtual clock would run on without end")
    config = as_robot(robot)
    with trial_run(policy, config, real=not (emulate or lockstep)) as (trial, chosen):
        loaded = _loaded(chosen)
        check_robot(loaded.contract, config)
        if bus_rate is not None:
            config = config.model_copy(update={"loop": config.loop.model_copy(update={"bus_rate": bus_rate})})
        Decimation(loaded.contract.control_rate, config.loop.bus_rate)  # refuses a rate that does not fit
        beside = Beside(tuple(operator), panel, start, live, foxglove)
        _check_beside(beside, lockstep=lockstep)
        stop = StopRequest()
        options = RunOptions(
            duration=duration,
            log=None if log is None else Path(log),
            synchronous_log=lockstep,
            log_rotation=_rotation(log_rotate),
            real_time=real_time and not lockstep,
            cpu=cpu,
            commands=dict(commands or {}),
            on_tick=trial.beside(_hook(on_tick, loaded.contract.joint_names, stop), stop),
            stop=stop,
            on_wait=trial.waits,
        )
        name = str(policy) if isinstance(policy, str | Path) else _path_of(policy)
        at = _Run(loaded, name, config, options, beside)
        script = None if faults is None else as_faults(faults)
        if lockstep:
            return at.in_lockstep(AUTO_PLANT if plant is None else plant, script)
        if emulate:
            return at.emulated(choose_plant(AUTO_PLANT if plant is None else plant, config), script)
        return trial.judged(at.on_ports(ports or {}))


class _Notices:
    """Says what opening the robot changed in its motors; silent until there is a way to say it."""

    def __init__(self) -> None:
        self.say: Callable[[str], None] = lambda line: None

    def __call__(self, notice: str) -> None:
        """Say one notice."""
        self.say(f"notice: {notice}")


@dataclass(frozen=True)
class _Run:
    """What is run; where is the method's to say."""

    policy: Policy
    name: str | None
    robot: RobotConfig
    options: RunOptions
    beside: Beside

    def in_lockstep(self, plant: str, faults: FaultsConfig | None) -> RunReport:
        world = emulation.lockstep(self.robot, plant=plant, faults=faults)
        report = self._run(world.hardware, world.clock)
        injected = world.snapshot()["faults_injected"]
        setting = RunSetting(
            self.name, self.policy.digest, self.robot.name, "lockstep", world.plant, faults_injected=injected
        )
        return replace(report, setting=setting)

    def _run(self, hardware: JointInterface, clock: Clock, notices: _Notices | None = None) -> RunReport:
        options, contract = self.options, self.policy.contract
        with attached(
            self.beside, contract, self.robot, duration=options.duration, values=options.commands
        ) as attachment:
            if notices is not None:
                notices.say = attachment.say
            options = replace(
                options,
                ring=attachment.ring,
                operator=attachment.operator,
                wait_for_start=attachment.wait_for_start,
            )
            report = run_session(self.policy, self.robot, hardware, clock, options)
            known = self.policy.notices if isinstance(self.policy, OnnxPolicy) else ()
            return replace(report, warnings=(*known, *report.warnings, *attachment.warnings()))

    def emulated(self, plant: str, faults: FaultsConfig | None) -> RunReport:
        with process.emulate(self.robot, plant=plant, faults=faults, real_time=self.options.real_time) as emulator:
            with blaming(emulator):
                report = self.on_ports(emulator.ports, plant)
            return with_emulator(report, emulator)

    def on_ports(self, paths: Mapping[str, str], plant: str | None = None) -> RunReport:
        robot, clock = self.robot, MonotonicClock()
        notices = _Notices()
        hardware = RobotHardware(robot, open_serial_ports(robot, paths, clock), clock, notices)
        report = self._run(hardware, clock, notices)
        ports = {name: bus.port for name, bus in robot.buses.items()}
        ports |= {name: imu.port for name, imu in robot.imus.items()}
        setting = RunSetting(
            self.name,
            self.policy.digest,
            robot.name,
            "ports" if plant is None else "emulated",
            plant,
            ports=ports | dict(paths),
            notices=tuple(hardware.notices),
        )
        return replace(report, setting=setting)


def _check_options(
    ports: Mapping[str, str] | None, *, emulated: bool, plant: str | None, faults: str | Path | FaultsConfig | None
) -> None:
    if emulated and ports:
        raise UserError("ports are those of a real robot; they do not go with emulate or lockstep")
    if not emulated and faults is not None:
        raise UserError("faults need an emulated robot: emulate or lockstep")
    if not emulated and plant is not None:
        raise UserError("a plant needs an emulated robot: emulate or lockstep")


def _check_beside(beside: Beside, *, lockstep: bool) -> None:
    if lockstep and beside.operated:
        raise UserError("an operator needs a run in real time; lockstep is not")
    if lockstep and beside.foxglove is not None:
        raise UserError("the live server is for a run in real time; lockstep is not: open its log instead")
    if beside.start and not beside.operated:
        raise UserError("start is for a run with an operator; without one it starts at once")


def _rotation(seconds: float | None) -> Rotation:
    if seconds is None:
        return Rotation()
    if not 1.0 <= seconds < inf:
        raise UserError(f"log_rotate: {seconds} s; valid: 1 s and above")
    return Rotation(seconds=seconds)


def _loaded(policy: str | Path | Policy) -> Policy:
    return load_policy(policy) if isinstance(policy, str | Path) else policy


def _path_of(policy: Policy) -> str | None:
    return str(policy.path) if isinstance(policy, OnnxPolicy) else None


def _hook(
    on_tick: Callable[[Tick], None] | None, joint_names: tuple[str, ...], stop: StopRequest
) -> Callable[[Controller], None] | None:
    """Return the session's hook that shows the user's own the tick: one view for the whole run."""
    if on_tick is None:
        return None
    views: list[Tick] = []

    def show(controller: Controller) -> None:
        if not views:
            views.append(Tick(controller, joint_names, stop))
        on_tick(views[0])

    return show
