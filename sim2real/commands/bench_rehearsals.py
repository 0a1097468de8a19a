"""The `bench calibration` and `bench used-motors` commands: rehearsals on emulated motors with random histories."""

from typing import Annotated

import typer

from sim2real.commands.bench import report
from sim2real.configs.command_outcome import Json, Outcome, reports

calibration_app, used_motors_app = typer.Typer(), typer.Typer()

Trials = Annotated[int, typer.Option(min=1, max=1_000_000, help="Motors of each robot.")]
Robots = Annotated[
    list[str] | None,
    typer.Option("--robot", help="Robot whose first joint is rehearsed, repeatable; by default one of each family."),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the first trial.")]


@calibration_app.command()
@reports
def calibration(trials: Trials = 500, robot: Robots = None, seed: Seed = 0, json_output: Json = False) -> Outcome:
    """Calibrate, power-cycle and open motors with random horns, senses and inherited registers, in lockstep.

    A trial ends with a reading that agrees with the true position, or with a refusal; anything else is a silent error.

    Example: sim2real bench calibration --trials 500
    """
    from sim2real.benchmark.rehearsals import ROBOTS, bench_calibration

    return report("calibration", bench_calibration(robot or ROBOTS, trials, seed))


@used_motors_app.command("used-motors")
@reports
def used_motors(trials: Trials = 2000, robot: Robots = None, seed: Seed = 0, json_output: Json = False) -> Outcome:
    """Open and hold motors with random registers for a second each, in lockstep; none may move by more than 1°.

    A trial ends with a joint that stayed where it was, or with a refusal; anything else is counted as moved.

    Example: sim2real bench used-motors --trials 2000
    """
    from sim2real.benchmark.rehearsals import ROBOTS, bench_used_motors

    return report("used-motors", bench_used_motors(robot or ROBOTS, trials, seed))
