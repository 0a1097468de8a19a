"""The `train` command."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.runtime.next_lines import NextLines
from sim2real.training.train import train as train_experiment

if TYPE_CHECKING:
    from sim2real.training.train_report import TrainReport

app = typer.Typer(help="Train a policy.")


@app.command()
@reports
def train(
    experiment: Annotated[
        str | None,
        typer.Argument(
            help="A shipped experiment, a path, or gym/ID for an environment of Gymnasium's; not needed with --resume.",
            show_default=False,
        ),
    ] = None,
    algorithm: Annotated[
        str | None,
        typer.Option(help="ppo, sac, td3, …, for gym/ID; default: ppo. Of an experiment, in place of its own: bc, …"),
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Override key.path=value; may be repeated.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Continue this run from its newest checkpoint: its name or folder.")
    ] = None,
    init_from: Annotated[
        Path | None, typer.Option(help="Begin a new run from the policy of this one: its name or folder.")
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(help="What learns: cpu, cuda or cuda:N; default: cpu, or as the run before.", show_default=False),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the run; default: experiment, date and time.")] = None,
    runs_dir: Annotated[Path, typer.Option(help="Folder of the runs.")] = Path("runs"),
    json_output: Json = False,
) -> Outcome:
    """Train an experiment into runs/NAME: checkpoints, metrics.jsonl, TensorBoard events, policy.onnx.

    gym/ID learns any environment of Gymnasium's with Box observations and actions, as gym/HalfCheetah-v5 does.

    Example: sim2real train pendulum_ppo --set seed=3 --name first
    """
    report = train_experiment(
        experiment,
        algorithm=algorithm,
        overrides=tuple(overrides or ()),
        name=name,
        runs_dir=runs_dir,
        resume=resume,
        init_from=init_from,
        device=device,
        progress=True,
    )
    return _outcome(report)


def _outcome(report: "TrainReport") -> Outcome:
    evaluation = report.evaluation
    success = "" if math.isnan(evaluation.success) else f"success {evaluation.success:.0%}, "
    best = report.best
    text = (
        f"[bold]{report.run.path}[/bold]: {report.steps} steps in {report.seconds:.1f} s "
        f"({report.steps_per_second / 1000.0:.1f}k steps/s)\n"
        f"return {evaluation.return_mean:.2f} ± {evaluation.return_std:.2f}, {success}"
        f"survival {evaluation.survival:.0%} of {evaluation.episodes} episodes, without the exploration of training\n"
        f"policy: {report.export.path} (onnxruntime and torch agree to {report.export.parity:.1e})"
    )
    if best is not None:
        text += f"\nbest of the run: {best.path} (return {best.return_mean:.2f} at step {best.steps})"
    lines = NextLines.of(report.run.path)
    return Outcome(report.document(), text, next=(lines.video(), *_on_robot(lines)))


def _on_robot(lines: NextLines) -> tuple[str, ...]:
    """Return what follows for a policy of a robot; one for an environment of Gymnasium's has no page and no robot."""
    return (lines.report(), *lines.run()) if lines.robot is not None else ()
