"""The `train` command."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim2real.configs.command_outcome import Json, Outcome, error_console, reports
from sim2real.configs.errors import MissingExtraError, UserError
from sim2real.configs.load import load_experiment

if TYPE_CHECKING:
    from sim2real.training.runner import TrainReport

app = typer.Typer(help="Train a policy.")


@app.command()
@reports
def train(
    experiment: Annotated[
        str | None, typer.Argument(help="A shipped experiment or a path; not needed with --resume.", show_default=False)
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Override key.path=value; may be repeated.")
    ] = None,
    resume: Annotated[Path | None, typer.Option(help="Continue this run from its newest checkpoint.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the run; default: experiment, date and time.")] = None,
    runs_dir: Annotated[Path, typer.Option(help="Folder of the runs.")] = Path("runs"),
    json_output: Json = False,
) -> Outcome:
    """Train an experiment into runs/NAME: checkpoints, metrics.jsonl, TensorBoard events, policy.onnx.

    Example: sim2real train pendulum_ppo --set seed=3 --name first
    """
    try:
        from sim2real.simulation.model_options import ineffective_parameters
        from sim2real.training import runner
    except ModuleNotFoundError as error:
        raise MissingExtraError("train", str(error.name), "train") from error
    given = tuple(overrides or ())
    if resume is not None:
        _check_same(experiment, resume)
        return _outcome(runner.resume(resume, given))
    if experiment is None:
        raise UserError("train: give an EXPERIMENT, or --resume RUN")
    config = load_experiment(experiment, given)
    if idle := ineffective_parameters(config.task, config.randomization):
        error_console().print(
            f"note: task {config.task.name!r} does not observe the effect of {', '.join(idle)} "
            f"(randomization {config.randomization.name!r})"
        )
    folder = runs_dir / (name or f"{config.name}-{datetime.now().astimezone():%Y%m%d-%H%M%S}")
    return _outcome(runner.train(config, folder))


def _check_same(experiment: str | None, run: Path) -> None:
    """Refuse to resume a run of another experiment than the named one."""
    if experiment is None:
        return
    from sim2real.configs.load import load_experiment as load_saved
    from sim2real.training.run_folder import RunFolder

    named, saved = load_experiment(experiment).name, load_saved(str(RunFolder.open(run).config.resolve())).name
    if named != saved:
        raise UserError(f"{run}: is a run of {saved}, not of {named}")


def _outcome(report: "TrainReport") -> Outcome:
    evaluation = report.evaluation
    text = (
        f"[bold]{report.run.path}[/bold]: {report.steps} steps in {report.seconds:.1f} s "
        f"({report.steps_per_second / 1000.0:.1f}k steps/s)\n"
        f"return {evaluation.return_mean:.2f} ± {evaluation.return_std:.2f}, success {evaluation.success:.0%}, "
        f"survival {evaluation.survival:.0%} of {evaluation.episodes} episodes\n"
        f"policy: {report.export.path} (onnxruntime and torch agree to {report.export.parity:.1e})"
    )
    return Outcome(report.document(), text)
