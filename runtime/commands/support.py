"""The `support` command: what someone needs to help with a robot, in one archive."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.configs.output_path import check_output
from sim2real.runtime.privacy import Privacy
from sim2real.runtime.support import collect, write_archive

app = typer.Typer()


@app.command()
@reports
def support(
    sources: Annotated[
        list[str], typer.Argument(help="Logs of `sim2real run`, and serial ports with motors.", show_default=False)
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The archive.")] = Path("support.zip"),
    protocol: Annotated[
        str | None, typer.Option("--protocol", help="The only family to ask on ports.", show_default=False)
    ] = None,
    baudrate: Annotated[
        int | None, typer.Option("--baudrate", min=1, help="The only baud rate to try on ports.", show_default=False)
    ] = None,
    json_output: Json = False,
) -> Outcome:
    """Pack versions, machine, robot, motors' registers, and the end of a log into one archive.

    Names of users and machines, home folders and serial numbers are removed. Look into it before you send it.

    Example: sim2real support run.mcap /dev/ttyUSB0
    """
    check_output(output, map(Path, sources))
    found = collect(sources, protocol, baudrate)
    write_archive(found, output, Privacy.of_this_machine())
    document = {"archive": str(output), "files": sorted(found.files), "problems": found.problems}
    lines = [f"[bold]{escape(str(output))}[/bold]: {len(found.files)} files; look into it before you send it"]
    lines += [f"not collected: {escape(problem)}" for problem in found.problems]
    return Outcome(document, "\n".join(lines))
