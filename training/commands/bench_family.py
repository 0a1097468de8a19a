"""The `bench family` command: studies of the family of algorithms."""

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
def family(
    only: Annotated[
        list[str] | None,
        typer.Option(help="Only this study: returns, ablation, values, budget; may be repeated.", show_default=False),
    ] = None,
    task: Annotated[list[str] | None, typer.Option(help="Only this task; may be repeated.", show_default=False)] = None,
    seeds: Seeds = "0,1,2",
    steps: Annotated[int | None, typer.Option(min=1, help="Control steps of a run; default: the study's.")] = None,
    jobs: Annotated[int, typer.Option(min=1, max=256, help="Runs at a time, in processes of their own.")] = 1,
    output: Annotated[Path, typer.Option(help="Folder of the runs; finished ones are not repeated.")] = Path(
        "runs/family"
    ),
    evaluate_only: Annotated[bool, typer.Option("--evaluate-only", help="Train nothing.")] = False,
    json_output: Json = False,
) -> Outcome:
    """Train the family of algorithms; compare returns with published ones, with thresholds, and with each other.

    returns: A2C, NPG, TRPO, DDPG and TD3 on MuJoCo tasks. ablation: what keeps PPO near its last policy. values: deep
    Q-networks. budget: a speed limit by learned and by fixed multipliers. After an interruption the same command goes
    on. All of it takes days on two cores.

    Example: sim2real bench family --only values --task CartPole-v1 --seeds 0
    """
    try:
        from sim2real.training.benchmark.family import bench_family
        from sim2real.training.benchmark.studies import planned
        from sim2real.training.commands.trained_bench import outcome_of
    except ModuleNotFoundError as error:
        raise MissingExtraError("bench family", error.name or "torch", "train") from error
    console = error_console()
    runs = planned(only or (), task or (), seeds_of(seeds), steps)
    found = bench_family(runs, output, jobs, lambda line: console.print(escape(line)), train=not evaluate_only)
    return outcome_of("family", found)
