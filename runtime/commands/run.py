"""The `run` command: a policy on a robot, real or emulated."""

import signal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from sim2real.configs.command_line import port_words, typed
from sim2real.configs.command_outcome import Json, Outcome, error_console, reports
from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.hardware.emulator.plant import AUTO_PLANT
from sim2real.hardware.robot_ports import port_paths
from sim2real.runtime.next_lines import NextLines
from sim2real.runtime.operator.device_option import VALID
from sim2real.runtime.report import RunReport
from sim2real.runtime.run import run as run_policy

app = typer.Typer()


@app.command()
@reports
def run(
    policy: Annotated[
        Path,
        typer.Argument(help="A shipped policy, a training run, a flashed folder, or an ONNX file.", show_default=False),
    ],
    robot: Annotated[str, typer.Option("--robot", help="A shipped robot or its YAML file.", show_default=False)],
    port: Annotated[
        list[str] | None,
        typer.Option("--port", help="Serial port: NAME=PATH, or PATH where there is one; may be repeated."),
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
        bool, typer.Option(help="Request real-time scheduling, locked memory and no garbage collection.")
    ] = True,
    cpu: Annotated[int | None, typer.Option("--cpu", min=0, help="Run on this processor.")] = None,
    bus_rate: Annotated[
        float | None,
        typer.Option("--bus-rate", help="Ticks a second, a multiple of the policy's rate; default: the robot's own."),
    ] = None,
    command: Annotated[
        list[str] | None,
        typer.Option("--command", help="Operator command NAME=VALUE, SI units; may be repeated."),
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Override key.path=value of the robot; may be repeated.")
    ] = None,
    operator: Annotated[
        list[str] | None,
        typer.Option(
            "--operator", help=f"Command it from a device: {VALID}; may be repeated. It then waits for a start."
        ),
    ] = None,
    panel: Annotated[
        bool, typer.Option("--panel", help="Serve a browser panel on this machine; prints its address.")
    ] = False,
    panel_port: Annotated[
        int, typer.Option("--panel-port", min=0, max=65535, help="Port of the panel; any free one when left out.")
    ] = 0,
    start: Annotated[
        bool, typer.Option("--start", help="With an operator: start at once instead of waiting for a start.")
    ] = False,
    foxglove: Annotated[
        bool, typer.Option("--foxglove", help="Serve the run to Foxglove on this machine; prints the address.")
    ] = False,
    foxglove_port: Annotated[
        int, typer.Option("--foxglove-port", min=0, max=65535, help="Port of the live server; 0 for any free one.")
    ] = 8765,
    log_rotate: Annotated[
        float | None,
        typer.Option(
            "--log-rotate", min=1.0, help="Seconds after which the log goes on in a new file.", show_default=False
        ),
    ] = None,
    json_output: Json = False,
) -> Outcome:
    """Run a policy on a robot: start pose, policy, torque off. Ctrl-C ends it, SIGQUIT is the emergency stop.

    Example: sim2real run policy.onnx --robot pendulum --emulate --duration 12 --log run.mcap
    """
    config = load_robot(robot, tuple(overrides or ()))
    report = run_policy(
        policy,
        config,
        ports=port_paths(config, port or ()),
        emulate=emulate,
        lockstep=in_lockstep,
        plant=None if plant == AUTO_PLANT else plant,
        faults=faults,
        duration=duration,
        commands=_commands(command or []),
        log=log,
        real_time=real_time,
        cpu=cpu,
        bus_rate=bus_rate,
        operator=operator or [],
        panel=panel_port if panel or panel_port else None,
        start=start,
        live=True,
        foxglove=foxglove_port if foxglove else None,
        log_rotate=log_rotate,
    )
    for warning in report.warnings:
        error_console().print(f"warning: {escape(warning)}")
    document = report.document()
    cut_short = duration is not None and report.stopped_by == signal.SIGINT.name
    lines = NextLines(policy, robot)
    where = ["--lockstep"] if in_lockstep else ["--emulate"] if emulate else port_words(port)
    how_long = ["--duration", duration] if duration else []
    after = (
        (typed("report", report.log), typed("replay", report.log))
        if report.log is not None
        else lines.run(where, how_long)
    )
    return Outcome(
        document, _text(report, document), ok=report.ok, reasons=report.reasons, next=after, cut_short=cut_short
    )


def _commands(texts: list[str]) -> dict[str, float]:
    values = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            values[name] = float(value)
        except ValueError as error:
            raise UserError(f"--command {text}: must be NAME=VALUE, for example forward=0.3") from error
    return values


def _mark(report: RunReport) -> str:
    if not report.ok:
        return "[red]not ok[/red]"
    count = len(report.warnings)
    return f"[yellow]ok, with {count} warning{'s' if count > 1 else ''}[/yellow]" if count else "[green]ok[/green]"


def _text(report: RunReport, document: dict[str, Any]) -> str:
    total, lateness = report.statistics["total"].summary_us(), report.statistics["lateness"].summary_us()
    goal = {True: "reached", False: "missed", None: "not decided: the policy ran for too short a time"}
    interventions = ", ".join(f"{name} {count}" for name, count in report.interventions.items()) or "none"
    bus = report.bus
    times = (
        f"tick            p50 {total['p50_us']:.0f} µs, p99 {total['p99_us']:.0f} µs, "
        f"p99.9 {total['p99_9_us']:.0f} µs, max {total['max_us']:.0f} µs",
        f"lateness        p50 {lateness['p50_us']:.0f} µs, p99 {lateness['p99_us']:.0f} µs",
    )
    lines = [
        f"{_mark(report)}: {document['robot']}, {document['mode']}, "
        f"ended in {report.final_state.name} by {report.stopped_by} after {report.duration:.2f} s",
        f"goal            {goal[report.goal_reached]}: {escape(report.goal)}",
        f"ticks           {report.ticks}, missed {report.missed_ticks}, held {report.held_ticks}",
        *(times if report.ticks else ()),
        f"interventions   {interventions}",
        f"bus             {bus.reads} reads, {bus.timeouts} timeouts, {bus.corrupt} corrupt, "
        f"{bus.unexpected} unexpected",
    ]
    if report.log is not None:
        lines.append(f"log             {escape(str(report.log))} ({report.logged_ticks} ticks)")
    return "\n".join(lines)
