"""The `bench calibration` command: rehearses calibration on emulated motors with random histories."""

from typing import Annotated

import typer

from sim2real.commands.bench import report
from sim2real.configs.command_outcome import Json, Outcome, reports

app = typer.Typer()


@app.command()
@reports
def calibration(
    trials: Annotated[int, typer.Option(min=1, max=1_000_000, help="Motors of each robot.")] = 500,
    robot: Annotated[
        list[str] | None,
        typer.Option(
            "--robot", help="Robot whose first joint is rehearsed, repeatable; by default one of each family."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first trial.")] = 0,
    json_output: Json = False,
) -> Outcome:
    """Calibrate, power-cycle and open motors with random horns, senses and inherited registers, in lockstep.

    A trial ends with a reading that agrees with the true position, or with a refusal; anything else is a silent error.

    Example: sim2real bench calibration --trials 500
    """
    from sim2real.benchmark.rehearsals import ROBOTS, bench_calibration

    return report("calibration", bench_calibration(robot or ROBOTS, trials, seed))
