"""The `bench returns` command: returns on Gymnasium's MuJoCo tasks against published ones."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from sim2real.configs.command_outcome import Json, Outcome, error_console, reports
from sim2real.configs.errors import MissingExtraError
from sim2real.training.commands.seeds import Seeds, seeds_of

app = typer.Typer()


@app.command()
@reports
def returns(
    task: Annotated[list[str] | None, typer.Option(help="Only this task; may be repeated.", show_default=False)] = None,
    algorithm: Annotated[
        list[str] | None,
        typer.Option(help="ppo, sac, td3, ddpg, trpo, npg, a2c; may be repeated.", show_default="ppo and sac"),
    ] = None,
    seeds: Seeds = "0,1,2",
    steps: Annotated[int, typer.Option(min=1, help="Control steps of a run.")] = 1_000_000,
    output: Annotated[Path, typer.Option(help="Folder of the runs; finished ones are not repeated.")] = Path(
        "runs/returns"
    ),
    evaluate_only: Annotated[bool, typer.Option("--evaluate-only", help="Train nothing.")] = False,
    json_output: Json = False,
) -> Outcome:
    """Train learners on Gymnasium's MuJoCo tasks; compare their returns with the best that others published.

    After an interruption the same command goes on. All of it takes days on two cores.

    Example: sim2real bench returns --task Hopper-v5 --algorithm ppo --seeds 0 --steps 100000
    """
    try:
        from sim2real.training.benchmark.returns import DEFAULT, TASKS, bench_returns, planned
        from sim2real.training.commands.trained_bench import outcome_of
    except ModuleNotFoundError as error:
        raise MissingExtraError("bench returns", error.name or "torch", "train") from error
    console = error_console()
    runs = planned(algorithm or DEFAULT, task or TASKS, seeds_of(seeds), steps)
    found = bench_returns(runs, output, lambda line: console.print(escape(line)), train=not evaluate_only)
    return outcome_of("returns", found)
