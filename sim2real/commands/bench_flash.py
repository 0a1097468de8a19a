"""The `bench flash` command: attacks on flashing."""

from typing import Annotated

import typer

from sim2real.commands.bench import report
from sim2real.configs.command_outcome import Json, Outcome, reports

app = typer.Typer()


@app.command("flash")
@reports
def flash(
    times: Annotated[int, typer.Option(min=1, max=1_000_000, help="Kills at random times, for each target.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="Of the random times.")] = 0,
    every: Annotated[int, typer.Option(min=1, help="Tamper with each so many bytes alone; 1 for all.")] = 1,
    json_output: Json = False,
) -> Outcome:
    """Kill flashes at every call that writes and at random times, cut uploads off, and tamper with every byte.

    No robot may be left broken, none without its policy to go back to, and nothing tampered with may be taken.

    Example: sim2real bench flash --times 20 --every 50
    """
    from sim2real.benchmark.flash import bench_flash

    return report("flash", bench_flash(times, seed, every))
