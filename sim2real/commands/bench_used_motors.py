"""The `bench used-motors` command: opens and holds emulated motors with registers of earlier owners."""

from typing import Annotated

import typer

from sim2real.commands.bench import report
from sim2real.configs.command_outcome import Json, Outcome, reports

app = typer.Typer()


@app.command("used-motors")
@reports
def used_motors(
    trials: Annotated[int, typer.Option(min=1, max=1_000_000, help="Motors of each robot.")] = 2000,
    robot: Annotated[
        list[str] | None,
        typer.Option(
            "--robot", help="Robot whose first joint is rehearsed, repeatable; by default one of each family."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first trial.")] = 0,
    json_output: Json = False,
) -> Outcome:
    """Open and hold motors with random registers for a second each, in lockstep; none may move by more than 1°.

    A trial ends with a joint that stayed where it was, or with a refusal; anything else is counted as moved.

    Example: sim2real bench used-motors --trials 2000
    """
    from sim2real.benchmark.rehearsals import ROBOTS, bench_used_motors

    return report("used-motors", bench_used_motors(robot or ROBOTS, trials, seed))
