"""The `export` command."""

from pathlib import Path
from typing import Annotated

import typer

from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.configs.errors import MissingExtraError

app = typer.Typer(help="Export a run's policy to ONNX.")


@app.command()
@reports
def export(
    run: Annotated[Path, typer.Argument(help="Folder of a training run.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
    json_output: Json = False,
) -> Outcome:
    """Export a run's newest checkpoint to ONNX with its contract, or the spaces of its Gymnasium environment.

    Fails, and writes nothing, if onnxruntime and torch differ by more than 1e-5.

    Example: sim2real export runs/first -o policy.onnx
    """
    try:
        from sim2real.training.gymnasium.saved import export_gymnasium_run, is_for_gymnasium
        from sim2real.training.saved_policy import export_run
    except ModuleNotFoundError as error:
        raise MissingExtraError("export", str(error.name), "train") from error
    report = export_gymnasium_run(run, output) if is_for_gymnasium(run) else export_run(run, output)
    document = {
        "policy": str(report.path),
        "parity": report.parity,
        "observations": report.observations,
        "size_bytes": report.size_bytes,
    }
    parity = f"onnxruntime and torch agree to {report.parity:.1e} over {report.observations} observations"
    return Outcome(document, f"[bold]{report.path}[/bold]: {parity}")
