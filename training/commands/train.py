"""The `train` command."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim2real.configs.command_outcome import Json, Outcome, error_console, reports
from sim2real.configs.errors import MissingExtraError
from sim2real.configs.load import load_experiment
from sim2real.configs.schema.experiment import ExperimentConfig
from sim2real.training.train import train as train_experiment

if TYPE_CHECKING:
    from sim2real.training.train_report import TrainReport

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
    chosen: str | ExperimentConfig | None = experiment
    given = tuple(overrides or ())
    if experiment is not None and resume is None:
        chosen, given = load_experiment(experiment, given), ()
        _note_idle(chosen)
    report = train_experiment(chosen, overrides=given, name=name, runs_dir=runs_dir, resume=resume, progress=True)
    return _outcome(report)


def _note_idle(experiment: ExperimentConfig) -> None:
    """Print the randomised parameters whose effect the task does not observe."""
    try:
        from sim2real.simulation.model_options import ineffective_parameters
    except ModuleNotFoundError as error:
        raise MissingExtraError("train", str(error.name), "train") from error
    task, randomization = experiment.task, experiment.randomization
    if idle := ineffective_parameters(task, randomization):
        error_console().print(
            f"note: task {task.name!r} does not observe the effect of {', '.join(idle)} "
            f"(randomization {randomization.name!r})"
        )


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
