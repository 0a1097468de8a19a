"""The `bench transfer` command: how randomisation affects performance in unseen worlds."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from sim2real.benchmark.machine import machine
from sim2real.configs.command_outcome import Json, Outcome, error_console, reports
from sim2real.configs.errors import MissingExtraError
from sim2real.configs.load import load_transfer
from sim2real.configs.schema.transfer import TransferConfig
from sim2real.training.commands.seeds import Seeds, seeds_of

_GAP_S = 10.0

app = typer.Typer()


@app.command()
@reports
def transfer(
    study: Annotated[str, typer.Argument(help="A shipped study or a path.")] = "sim_to_sim",
    task: Annotated[list[str] | None, typer.Option(help="Only this task; may be repeated.", show_default=False)] = None,
    strategy: Annotated[
        list[str] | None, typer.Option(help="Only this strategy; may be repeated.", show_default=False)
    ] = None,
    seeds: Seeds = "0,1,2",
    minutes: Annotated[
        float | None, typer.Option(min=0.01, max=1440.0, help="Training time of a run; default: the study's.")
    ] = None,
    episodes: Annotated[int, typer.Option(min=1, max=4096, help="Episodes in each world.")] = 64,
    emulated: Annotated[int, typer.Option(min=1, max=1000, help="Episodes on the emulated robot.")] = 4,
    output: Annotated[Path, typer.Option(help="Folder of the study; finished runs in it are not repeated.")] = Path(
        "runs/transfer"
    ),
    gap: Annotated[
        bool, typer.Option(help="Also measure the gap between emulator and batch for equal commands.")
    ] = True,
    evaluate_only: Annotated[bool, typer.Option("--evaluate-only", help="Train nothing.")] = False,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Override key.path=value of the study; may be repeated.")
    ] = None,
    json_output: Json = False,
) -> Outcome:
    """Train with no, fixed and automatic randomisation for the same time; evaluate in worlds unseen in training.

    After an interruption the same command continues; at most one run is lost.

    Example: sim2real bench transfer --task pendulum_swingup --minutes 0.5 --output runs/study
    """
    try:
        from sim2real.training.transfer.benchmark import Options, bench_transfer, ratios, text_of
    except ModuleNotFoundError as error:
        raise MissingExtraError("bench transfer", error.name or "torch", "train") from error
    console = error_console()

    def say(line: str) -> None:
        console.print(escape(line))

    config = _with_minutes(load_transfer(study, tuple(overrides or ())), minutes)
    options = Options(
        output=output,
        seeds=seeds_of(seeds),
        tasks=tuple(task or ()),
        strategies=tuple(strategy or ()),
        episodes=episodes,
        emulated=emulated,
        train=not evaluate_only,
        gap_s=_GAP_S if gap else 0.0,
    )
    findings = bench_transfer(config, options, say)
    document = {
        "bench": "transfer",
        "machine": machine(),
        "ratios": ratios(findings),
        "figures": {
            "study": config.name,
            "seeds": list(options.seeds),
            "episodes": episodes,
            "emulated_episodes": emulated,
            "training_s": {entry.experiment.task.name: entry.training_duration for entry in config.tasks},
            "tasks": {name: found.document() for name, found in findings.items()},
        },
        "picture": str(output / "transfer.png"),
    }
    return Outcome(document, f"{text_of(findings)}\n\npicture: {escape(str(output / 'transfer.png'))}")


def _with_minutes(study: TransferConfig, minutes: float | None) -> TransferConfig:
    if minutes is None:
        return study
    tasks = tuple(task.model_copy(update={"training_duration": 60.0 * minutes}) for task in study.tasks)
    return study.model_copy(update={"tasks": tasks})
