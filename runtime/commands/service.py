"""The `service` commands: a robot's active policy, run by systemd."""

import os
import pwd
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.configs.errors import UserError
from sim2real.runtime.flash.directory import DirectoryTarget
from sim2real.runtime.flash.rollback import status as flash_status
from sim2real.runtime.service.of_target import of_target
from sim2real.runtime.service.run_line import run_line
from sim2real.runtime.service.service import Service, install, look, names, uninstall
from sim2real.runtime.service.systemctl import ServiceError, Systemctl
from sim2real.runtime.service.unit import SOCKET, Unit, check_name

app = typer.Typer(help="Run a robot's active policy as a service of systemd.", no_args_is_help=True)

System = Annotated[bool, typer.Option("--system", help="Of the system, started at boot; needs root.")]
"""The scope, of every command here."""


@app.command("install")
@reports
def service_install(
    to: Annotated[str, typer.Option("--to", help="A folder (with --robot), a target by name, or its YAML file.")],
    options: Annotated[
        list[str] | None,
        typer.Argument(help="After `--`: further options of `sim2real run`, such as --port, --panel, --start."),
    ] = None,
    robot: Annotated[
        str | None, typer.Option("--robot", help="The robot of a plain folder: a shipped name or a YAML file.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the service; that of the target when left out.")
    ] = None,
    system: System = False,
    user: Annotated[
        str | None, typer.Option("--as", help="With --system: who runs it; the owner of the target when left out.")
    ] = None,
    json_output: Json = False,
) -> Outcome:
    """Let systemd run a robot's active policy from now on: at boot with --system, else when you log in.

    It runs what is flashed and active, with its trial: a policy that fails or dies too often is left for the one
    before. It waits for an operator's start, on a socket or the device that the options name, and is run again when it
    ends. With `-- --start` it moves at once, and stays off after a fault.

    Example: sim2real service install --to robots/desk --robot pendulum -- --port /dev/ttyUSB0
    """
    place = of_target(to, robot)
    called = name or place.name
    if (valid := check_name(called)) is not None:
        raise ServiceError(f"--name {called}: cannot be the name of a service; valid: {valid}")
    account = _account(user, system=system, target=place.target)
    systemctl = Systemctl.of(system=system)
    line = run_line(place.policy_path, place.robot, options or (), Path(account.pw_dir))
    unit = Unit(
        name=called,
        command=line.words,
        target=str(place.target),
        system=system,
        user=account.pw_name,
        moves_at_once=line.moves_at_once,
        socket=not line.operated,
    )
    found = install(unit, systemctl)
    lines = [f"installed: {escape(str(found.file))}", *_lines(found)]
    if unit.socket:
        lines.append(f"operate   {escape(_socket(unit, account.pw_uid))}")
    if not system and not Path("/var/lib/systemd/linger", account.pw_name).exists():
        lines.append(f"it starts when you log in; at boot with: loginctl enable-linger {escape(account.pw_name)}")
    lines.append(f"log       journalctl {'' if system else '--user '}-u {escape(unit.file)}")
    return Outcome(_document(found) | {"command": list(line.words)}, "\n".join(lines))


@app.command("uninstall")
@reports
def service_uninstall(
    name: Annotated[str, typer.Argument(help="Name of the service.")],
    system: System = False,
    json_output: Json = False,
) -> Outcome:
    """Stop a service, torque off, and remove it; the policies stay where they are.

    Example: sim2real service uninstall desk
    """
    path = uninstall(name, Systemctl.of(system=system))
    return Outcome({"name": name, "file": str(path)}, f"removed: {escape(str(path))}")


@app.command("status")
@reports
def service_status(
    name: Annotated[
        str | None, typer.Argument(help="Name of the service; all of this user and the system when left out.")
    ] = None,
    system: System = False,
    json_output: Json = False,
) -> Outcome:
    """Show services and the policies they run; fails when one does not run, or its policy cannot be run.

    Example: sim2real service status
    """
    if name is not None:
        found = [look(name, Systemctl.of(system=system))]
    else:
        scopes = [Systemctl.of(system=each) for each in ((True,) if system else (False, True))]
        found = [look(each, scope) for scope in scopes for each in names(scope)]
    if not found:
        return Outcome({"services": []}, "no service is installed; install one with: sim2real service install")
    documents, lines, reasons = [], [], []
    for service in found:
        policy, why, problem = _policy(service)
        documents.append(_document(service) | {"policy": policy, "why": why})
        lines += [*_lines(service), f"policy    {escape(policy)}: {escape(why)}"]
        reasons += [text for text in (service.problem, problem) if text is not None]
    return Outcome({"services": documents}, "\n".join(lines), ok=not reasons, reasons=tuple(reasons))


def _account(user: str | None, *, system: bool, target: Path) -> pwd.struct_passwd:
    """Return the account that runs the service. Raises ServiceError."""
    if user is not None and not system:
        raise ServiceError(f"--as {user}: is for --system; a service of a user is run by that user")
    try:
        if user is not None:
            return pwd.getpwnam(user)
        return pwd.getpwuid(target.stat().st_uid if system else os.getuid())
    except KeyError as error:
        raise ServiceError(f"--as {user or target.stat().st_uid}: there is no such user") from error


def _socket(unit: Unit, uid: int) -> str:
    folder = "/run" if unit.system else os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{uid}")
    return f"{folder}/{unit.file.removesuffix('.service')}/{SOCKET}"


def _policy(service: Service) -> tuple[str, str, str | None]:
    """Return the active policy of a service's target, why it is active, and what is wrong with it."""
    target = DirectoryTarget(Path(service.target))
    try:
        found = flash_status(target)
    except UserError as error:
        return target.policy_path, str(error), str(error)
    return target.policy_path, found.why, found.problem


def _document(service: Service) -> dict[str, Any]:
    return {
        "name": service.name,
        "system": service.system,
        "file": str(service.file),
        "target": service.target,
        "enabled": service.enabled,
        "state": service.state,
        "sub_state": service.sub_state,
        "result": service.result,
        "restarts": service.restarts,
        "pid": service.pid,
        "since": None if service.since is None else service.since.isoformat(timespec="seconds"),
    }


def _lines(service: Service) -> list[str]:
    colour = "green" if service.problem is None else "red"
    since = "" if service.since is None else f" since {service.since:%Y-%m-%d %H:%M:%S} UTC"
    restarts = f", started again {service.restarts} times" if service.restarts else ""
    starts = "starts by itself" if service.enabled else "does not start by itself"
    return [
        f"[bold]{escape(service.name)}[/bold]  [{colour}]{service.state}[/]{since}{restarts}; {starts}"
        f"{', of the system' if service.system else ''}"
    ]
