"""The `doctor` command: what is wrong with this machine, and the command that mends it."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import typer
from rich.markup import escape
from serial.tools.list_ports import comports

from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.runtime.doctor import Check, disk, libraries, ports, python, real_time, rendering

app = typer.Typer()

_MARKS = {"ok": "[green]ok[/green]   ", "note": "note ", "wrong": "[red]wrong[/red]"}


@app.command()
@reports
def doctor(json_output: Json = False) -> Outcome:
    """Check this machine: Python, libraries, rendering, serial ports and their rights, real-time limits, disk.

    Says what is wrong, and the command that mends it; changes nothing. Fails if something cannot work.

    Example: sim2real doctor
    """
    checks = list(_checks())
    wrong = tuple(
        f"{each.what}: {each.value}: {each.advice}; {each.command}" for each in checks if each.state == "wrong"
    )
    notes = sum(each.state == "note" for each in checks)
    verdict = f"{len(checks)} checks: {len(wrong)} wrong, {notes} worth a look"
    document = {"checks": [asdict(each) for each in checks]}
    return Outcome(document, "\n".join([*map(_lines, checks), verdict]), ok=not wrong, reasons=wrong)


def _checks() -> Iterator[Check]:
    yield from python()
    yield from libraries()
    yield from rendering()
    yield from ports(sorted(found.device for found in comports() if found.vid is not None))
    yield from real_time()
    yield from disk(Path.cwd())


def _lines(check: Check) -> str:
    lines = [f"{_MARKS[check.state]}  {escape(check.what)}: {escape(check.value)}"]
    lines += [f"       {escape(check.advice)}"] if check.advice else []
    lines += [f"       [bold]{escape(check.command)}[/bold]"] if check.command else []
    return "\n".join(lines)
