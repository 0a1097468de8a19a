"""The `run` command: a policy on a robot, real or emulated."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from sim2real.configs.command_outcome import Json, Outcome, error_console, reports
from sim2real.configs.errors import UserError
from sim2real.configs.library import find_policy
from sim2real.configs.load import load_faults, load_robot
from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.scenario import FaultsConfig
from sim2real.hardware.clock import MonotonicClock
from sim2real.hardware.emulator.plant import AUTO_PLANT, choose_plant
from sim2real.hardware.robot import RobotHardware, open_serial_ports
from sim2real.runtime.controller import Controller
from sim2real.runtime.emulation import emulator_process, lockstep
from sim2real.runtime.policy import OnnxPolicy, check_robot
from sim2real.runtime.report import RunReport
from sim2real.runtime.session import RunOptions, run_session

app = typer.Typer()

_PROGRESS_PERIOD_S = 0.25


@app.command()
@reports
def run(
    policy: Annotated[Path, typer.Argument(help="A shipped policy, or an exported ONNX file.", show_default=False)],
    robot: Annotated[str, typer.Option("--robot", help="A shipped robot or its YAML file.", show_default=False)],
    port: Annotated[
        list[str] | None,
        typer.Option("--port", help="BUS=PATH or IMU=PATH, before the path in the YAML; may be repeated."),
    ] = None,
    emulate: Annotated[
        bool, typer.Option("--emulate", help="Start an emulated robot behind pseudo-terminals, in real time.")
    ] = False,
    in_lockstep: Annotated[
        bool, typer.Option("--lockstep", help="Emulate within this process on a virtual clock, faster than real time.")
    ] = False,
    plant: Annotated[
        str, typer.Option("--plant", help="Emulated mechanics: inertia, mujoco, or auto for mujoco where installed.")
    ] = AUTO_PLANT,
    faults: Annotated[
        str | None, typer.Option("--faults", help="Faults of the emulated robot: shipped, or their YAML file.")
    ] = None,
    duration: Annotated[
        float | None, typer.Option("--duration", min=0.0, help="Seconds of policy; until interrupted when left out.")
    ] = None,
    log: Annotated[Path | None, typer.Option("--log", help="Write an MCAP log to this file.")] = None,
    real_time: Annotated[
        bool, typer.Option(help="Ask for real-time scheduling, locked memory and no garbage collection.")
    ] = True,
    cpu: Annotated[int | None, typer.Option("--cpu", min=0, help="Stay on this processor.")] = None,
    command: Annotated[
        list[str] | None,
        typer.Option("--command", help="NAME=VALUE asked of the policy, SI units; may be repeated."),
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Override key.path=value of the robot; may be repeated.")
    ] = None,
    json_output: Json = False,
) -> Outcome:
    """Run a policy on a robot: start pose, policy, torque off. Ctrl-C ends it, SIGQUIT is the emergency stop.

    Example: sim2real run policy.onnx --robot pendulum --emulate --duration 12 --log run.mcap
    """
    config = load_robot(robot, tuple(overrides or ()))
    paths = _paths(port or [])
    script = load_faults(faults) if faults is not None else None
    _check_options(paths, emulate=emulate or in_lockstep, plant=plant, faults=script)
    loaded = OnnxPolicy(find_policy(policy))
    check_robot(loaded.contract, config)
    if in_lockstep and duration is None:
        raise UserError("--lockstep needs --duration: a virtual clock would run on without end")
    document: dict[str, Any] = {"policy": str(policy), "policy_sha256": loaded.digest, "robot": config.name}
    with _progress(duration) as on_tick:
        options = RunOptions(
            duration=duration,
            log=log,
            synchronous_log=in_lockstep,
            real_time=real_time and not in_lockstep,
            cpu=cpu,
            commands=_commands(command or []),
            on_tick=on_tick,
        )
        report = _run(loaded, config, paths, options, document, emulate, in_lockstep, plant, script)
    for warning in report.warnings:
        error_console().print(f"warning: {escape(warning)}")
    return Outcome(document | report.document(), _text(report, document), ok=report.ok, reasons=report.reasons)


def _run(
    policy: OnnxPolicy,
    robot: RobotConfig,
    paths: dict[str, str],
    options: RunOptions,
    document: dict[str, Any],
    emulate: bool,
    in_lockstep: bool,
    plant: str,
    faults: FaultsConfig | None,
) -> RunReport:
    if in_lockstep:
        world = lockstep(robot, plant=plant, faults=faults)
        document |= {"mode": "lockstep", "plant": world.plant}
        report = run_session(policy, robot, world.hardware, world.clock, options)
        document["faults_injected"] = world.snapshot()["faults_injected"]
        return report
    if emulate:
        document |= {"mode": "emulated", "plant": choose_plant(plant)}
        with emulator_process(robot, plant=plant, faults=faults) as emulator:
            report = _run_on_ports(policy, robot, emulator.ports, options, document)
            return replace(report, warnings=(*report.warnings, *emulator.warnings()))
    document |= {"mode": "ports", "plant": None}
    return _run_on_ports(policy, robot, paths, options, document)


def _run_on_ports(
    policy: OnnxPolicy, robot: RobotConfig, paths: dict[str, str], options: RunOptions, document: dict[str, Any]
) -> RunReport:
    clock = MonotonicClock()
    hardware = RobotHardware(robot, open_serial_ports(robot, paths, clock), clock)
    ports = {name: bus.port for name, bus in robot.buses.items()} | {name: imu.port for name, imu in robot.imus.items()}
    document["ports"] = {name: paths.get(name, port) for name, port in ports.items()}
    report = run_session(policy, robot, hardware, clock, options)
    document["notices"] = hardware.notices
    return report


def _paths(texts: list[str]) -> dict[str, str]:
    paths = {}
    for text in texts:
        name, separator, path = text.partition("=")
        if not (name and separator and path):
            raise UserError(f"--port {text}: must be BUS=PATH, for example main=/dev/ttyUSB0")
        paths[name] = path
    return paths


def _commands(texts: list[str]) -> dict[str, float]:
    values = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            values[name] = float(value)
        except ValueError as error:
            raise UserError(f"--command {text}: must be NAME=VALUE, for example forward=0.3") from error
    return values


def _check_options(paths: dict[str, str], *, emulate: bool, plant: str, faults: FaultsConfig | None) -> None:
    if emulate and paths:
        raise UserError("--port names a real port; it does not go with --emulate or --lockstep")
    if not emulate and faults is not None:
        raise UserError("--faults needs --emulate or --lockstep")
    if not emulate and plant != AUTO_PLANT:
        raise UserError("--plant needs --emulate or --lockstep")


@contextmanager
def _progress(duration: float | None) -> Iterator[Callable[[Controller], None] | None]:
    """Show state and time on a terminal, a few times a second; nothing, and no thread, elsewhere."""
    console = error_console()
    if not console.is_terminal:
        yield None
        return
    due = 0.0
    limit = f" of {duration:g} s" if duration is not None else ""
    columns = (TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, auto_refresh=False) as progress:
        task = progress.add_task("connecting")

        def show(controller: Controller) -> None:
            nonlocal due
            now = time.monotonic()
            if now >= due:
                due = now + _PROGRESS_PERIOD_S
                progress.update(task, description=f"{controller.state.name}{limit}", refresh=True)

        yield show


def _text(report: RunReport, document: dict[str, Any]) -> str:
    total, lateness = report.statistics["total"].summary_us(), report.statistics["lateness"].summary_us()
    goal = {True: "reached", False: "missed", None: "not decided: the policy did not run for long enough"}
    interventions = ", ".join(f"{name} {count}" for name, count in report.interventions.items()) or "none"
    bus = report.bus
    lines = [
        f"{'[green]ok[/green]' if report.ok else '[red]not ok[/red]'}: {document['robot']}, {document['mode']}, "
        f"ended in {report.final_state.name} by {report.stopped_by} after {report.duration:.2f} s",
        f"goal            {goal[report.goal_reached]}: {escape(report.goal)}",
        f"ticks           {report.ticks}, missed {report.missed_ticks}, held {report.held_ticks}",
        f"tick            p50 {total['p50_us']:.0f} µs, p99 {total['p99_us']:.0f} µs, "
        f"p99.9 {total['p99_9_us']:.0f} µs, max {total['max_us']:.0f} µs",
        f"lateness        p50 {lateness['p50_us']:.0f} µs, p99 {lateness['p99_us']:.0f} µs",
        f"interventions   {interventions}",
        f"bus             {bus.reads} reads, {bus.timeouts} timeouts, {bus.corrupt} corrupt, "
        f"{bus.unexpected} unexpected",
    ]
    if report.log is not None:
        lines.append(f"log             {escape(str(report.log))} ({report.logged_ticks} ticks)")
    return "\n".join(lines)
