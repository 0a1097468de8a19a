"""The `bench models` command: other people's models, from file to training."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from sim2real.commands.bench import report
from sim2real.configs.command_outcome import Json, Outcome, error_console, reports
from sim2real.configs.errors import UserError

app = typer.Typer()


@app.command()
@reports
def models(
    folder: Annotated[Path, typer.Argument(help="Folder with MJCF or URDF files, at any depth.", show_default=False)],
    train: Annotated[float, typer.Option(min=0.0, max=3600.0, help="Seconds of training each; 0 trains nothing.")] = 10,
    motor: Annotated[str | None, typer.Option("--motor", help="A shipped motor for every joint of them.")] = None,
    json_output: Json = False,
) -> Outcome:
    """Make a robot and a task of every model in a folder, check and train it: no traceback, a calm start, or one line.

    Example: sim2real bench models robots --train 10
    """
    from sim2real.training.model_trials import ModelTrial, measured, text_of, try_models

    if not folder.is_dir():
        raise UserError(f"bench models: there is no folder {folder}")
    console, seen = error_console(), 0

    def show(trial: ModelTrial) -> None:
        nonlocal seen
        seen += 1
        console.print(f"{seen} {text_of([trial])}", markup=False, highlight=False, soft_wrap=True)

    trials = try_models(folder, train, motor, show)
    outcome, bad = report("models", measured(trials)), [trial for trial in trials if trial.problems]
    reasons = tuple(f"{trial.model}: {trial.problems[0]}" for trial in bad)
    return replace(outcome, text=escape(text_of(trials)), ok=not bad, reasons=reasons)
