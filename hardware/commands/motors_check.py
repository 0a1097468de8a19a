"""`motors check`: the adapter and motors by themselves, or the motors of a robot against its YAML."""

from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.markup import escape

from sim2real.configs.command_line import port_words, typed
from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.bus.shared_id import shared_id
from sim2real.hardware.commands.ended import tell_what_is_written
from sim2real.hardware.commands.motors_options import Baudrate, ProtocolName
from sim2real.hardware.commands.motors_port import open_port
from sim2real.hardware.commands.motors_set_up import bus_paths
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.workbench.interface import Finding, FoundMotor
from sim2real.hardware.workbench.port import WorkbenchPort
from sim2real.hardware.workbench.robot_check import JointCheck, check_joints, fix_joints
from sim2real.hardware.workbench.scan import find_on_port, scan_port
from sim2real.hardware.workbench.written import Written, setting_text


@reports
def check(
    robot: Annotated[
        str | None, typer.Argument(help="Compare with this robot: its name or YAML.", show_default=False)
    ] = None,
    port: Annotated[
        list[str] | None,
        typer.Option("--port", help="Serial port; with a robot BUS=PATH, repeatable.", show_default=False),
    ] = None,
    motor: Annotated[
        int | None, typer.Option("--id", help="Id of the motor to check; by default all motors.", show_default=False)
    ] = None,
    fix: Annotated[bool, typer.Option("--fix", help="With a robot: write the settings that differ.")] = False,
    protocol: ProtocolName = None,
    baudrate: Baudrate = None,
    json_output: Json = False,
) -> Outcome:
    """Check the adapter and the motors, with advice for each problem; with a robot, compare them with its YAML.

    Nothing is written without --fix, which writes only persistent settings that differ, with torque off.

    Example: sim2real motors check so101 --port /dev/ttyACM0
    """
    if robot is not None:
        if motor is not None or protocol is not None or baudrate is not None:
            raise UserError("--id, --protocol and --baudrate are for a check without a robot: its YAML has them")
        config = load_robot(robot)
        if fix:
            return tell_what_is_written(lambda written: _against(robot, config, port or [], written))
        return _against(robot, config, port or [], None)
    if fix:
        raise UserError("--fix needs a robot, whose YAML says what is wanted: sim2real motors check ROBOT --fix")
    if port is None or len(port) != 1:
        raise UserError("give one --port PATH, or a robot")
    with open_port(port[0], protocol) as opened:
        adapter = opened.findings()
        examined = _examine(opened, motor, baudrate)
    if not examined:
        raise HardwareError(f"no motor answers on {port[0]}: check power, cable and baud rate")
    document = {
        "port": [asdict(finding) for finding in adapter],
        "motors": [asdict(motor) | {"findings": [asdict(f) for f in findings]} for motor, findings in examined],
    }
    sections = [(port[0], adapter), *((f"motor {motor.id}", findings) for motor, findings in examined)]
    good = sum(all(finding.ok for finding in findings) for _, findings in examined)
    total = sum(len(findings) for _, findings in sections)
    failed = sum(not finding.ok for _, findings in sections for finding in findings)
    summary = f"{good} of {len(examined)} motors are ok; {total} checks, {failed} failed"
    text = "\n".join((*(_section(title, findings) for title, findings in sections if findings), summary))
    reasons = tuple(
        f"{title}: {finding.what} {finding.value}: {finding.advice}"
        for title, findings in sections
        for finding in findings
        if not finding.ok
    )
    after = (typed("motors", "monitor", "--port", port[0], None if motor is None else ["--id", motor]),)
    return Outcome(document, text, ok=not reasons, reasons=reasons, next=after)


def _against(robot: str, config: RobotConfig, ports: list[str], written: Written | None) -> Outcome:
    """Compare with a robot YAML; set right what differs if there is what takes note of it."""
    checks: list[JointCheck] = []
    adapters: list[Finding] = []
    paths = bus_paths(config, ports)
    for name in dict.fromkeys(joint.bus for joint in config.joints.values()):
        with open_port(paths[name], config.buses[name].protocol) as opened:
            adapters += [finding for finding in opened.findings() if not finding.ok]
            bus = opened.buses[config.buses[name].protocol]
            found = check_joints(config, name, bus, saved=written is not None)
            checks += found if written is None else fix_joints(config, found, bus, written)
    reasons = [f"{finding.what} {finding.value}: {finding.advice}" for finding in adapters]
    for one in checks:
        names = ", ".join(found.register for found in one.audit.differences)
        reasons += [f"{one.joint} (motor {one.id}) is not as wanted: {names}"] if names else []
        reasons += one.audit.refusals
    document: dict[str, Any] = {
        "robot": config.name,
        "joints": {
            one.joint: {"id": one.id, "ok": one.ok, "written": one.written} | asdict(one.audit) for one in checks
        },
        "settings_written": sum(len(one.written) for one in checks),
    }
    given = port_words(ports)
    differing = any(one.audit.differences for one in checks)
    after = typed("motors", "check", robot, given, "--fix") if differing else typed("motors", "test", robot, given)
    text = "\n".join((*_lines(checks), _summary(robot, checks)))
    return Outcome(document, text, ok=not reasons, reasons=(*reasons,), next=(after,))


def _lines(checks: list[JointCheck]) -> list[str]:
    lines = []
    for one in checks:
        told = [f"  written  {line}" for line in one.written]
        for found in one.audit.differences:
            values = f"{setting_text(found.register)} is {found.found:g}, wanted {found.wanted:g}"
            told.append(f"  differs  {values}" + (f": {found.effect}" if found.effect else ""))
        told += [f"  note     {remark}" for remark in one.audit.remarks]
        told += [f"  refused  {refusal}" for refusal in one.audit.refusals]
        if told:
            lines += [f"[bold]{escape(one.joint)} (motor {one.id})[/bold]", *map(escape, told)]
    return lines


def _summary(robot: str, checks: list[JointCheck]) -> str:
    compared = sum(one.audit.compared for one in checks)
    good = sum(one.ok for one in checks)
    differing = sum(len(one.audit.differences) for one in checks)
    written = sum(len(one.written) for one in checks)
    text = f"{good} of {len(checks)} motors are as {escape(robot)} wants them; {compared} settings compared"
    if written:
        text += f", {written} written"
    if differing:
        text += f", {differing} differ: --fix writes them, and so does opening the robot where it may"
    return text


def _examine(
    opened: WorkbenchPort, motor_id: int | None, baudrate: int | None
) -> list[tuple[FoundMotor, list[Finding]]]:
    if motor_id is not None:
        bus, found = find_on_port(opened.buses, motor_id, baudrate)
        return [(found, list(bus.findings(found)))]
    examined = []
    shared: list[int] = []
    motors = list(scan_port(opened.buses, baudrate, shared=shared))
    if shared:
        raise HardwareError(shared_id(shared[0]))
    for motor in motors:
        bus = opened.buses[motor.protocol]
        bus.set_baudrate(motor.baudrate)
        examined.append((motor, list(bus.findings(motor))))
    return examined


def _section(title: str, findings: list[Finding]) -> str:
    lines = [
        f"  {'ok  ' if finding.ok else 'FAIL'}  {finding.what}: {finding.value}"
        + (f" ({finding.advice})" if finding.advice else "")
        for finding in findings
        if not finding.ok or finding.advice
    ]
    good = sum(finding.ok for finding in findings)
    head = f"[bold]{escape(title)}[/bold]: {good} of {len(findings)} ok"
    return "\n".join((head, *map(escape, lines)))
