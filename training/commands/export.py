"""The `export` command."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.configs.errors import MissingExtraError, UserError
from sim2real.configs.policy_reference import find_run
from sim2real.configs.stage import stage
from sim2real.runtime.next_lines import NextLines

app = typer.Typer(help="Export a policy to ONNX or C.")


@app.command()
@reports
def export(
    policy: Annotated[
        Path,
        typer.Argument(
            help="A training run: its name or folder; for C also a shipped policy or an ONNX file.", show_default=False
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The file to write; else policy.onnx in the run's folder. C needs one."),
    ] = None,
    target: Annotated[
        Literal["onnx", "c"], typer.Option("--target", help="ONNX for a robot's computer, C for a microcontroller.")
    ] = "onnx",
    weights: Annotated[
        Path | None,
        typer.Option(
            "--weights", help="C: keep the weights in this file, for `flash --to serial://PORT`.", show_default=False
        ),
    ] = None,
    json_output: Json = False,
) -> Outcome:
    """Export a run's newest checkpoint to ONNX with its contract, or a policy to one C99 file.

    ONNX: fails, and writes nothing, if onnxruntime and torch differ by more than 1e-5. The policy of a run in an
    environment of Gymnasium's takes that one's spaces along.

    C: observation, network and action of the contract, without a heap and without a library but math.h. Where there
    is a C compiler, it is compiled and compared; fails if it differs from onnxruntime by more than 1e-6 of the largest
    action. Its names begin with the file's.

    Example: sim2real export first -o policy.onnx

    Example: sim2real export quadruped_walk --target c -o walk.c

    Example: sim2real export quadruped_walk --target c -o walk.c --weights walk.weights
    """
    if target == "c" and output is None:
        raise UserError("--target c: no file to write; valid: --output with its name, as in -o policy.c")
    if weights is not None and target != "c":
        raise UserError("--weights: is for --target c; an ONNX file has its weights inside")
    try:
        return _to_onnx(policy, output) if target == "onnx" or output is None else _to_c(policy, output, weights)
    except ModuleNotFoundError as error:
        raise MissingExtraError("export", str(error.name), "train") from error


def _to_onnx(run: Path, output: Path | None) -> Outcome:
    stage("loading torch")
    from sim2real.training.gymnasium.saved import export_gymnasium_run, is_for_gymnasium
    from sim2real.training.run_folder import RunFolder
    from sim2real.training.saved_policy import export_run

    if run.is_file():
        raise UserError(f"{run}: is a file; valid: the name or folder of a training run, or --target c")
    folder = find_run(run)
    stage("exporting, and comparing onnxruntime with torch")
    target = RunFolder(folder).policy if output is None else output
    report = export_gymnasium_run(folder, target) if is_for_gymnasium(folder) else export_run(folder, target)
    document = {
        "policy": str(report.path),
        "parity": report.parity,
        "observations": report.observations,
        "size_bytes": report.size_bytes,
    }
    parity = f"onnxruntime and torch agree to {report.parity:.1e} over {report.observations} observations"
    lines = NextLines.of(report.path)
    return Outcome(
        document, f"[bold]{escape(str(report.path))}[/bold]: {parity}", next=(lines.inspect(), *lines.flash())
    )


def _to_c(policy: Path, output: Path, weights: Path | None) -> Outcome:
    from sim2real.training.c_source.export import export_c

    report = export_c(policy, output, weights)
    found = report.agreement
    compared = (
        "no C compiler here: not compared with onnxruntime"
        if found is None
        else f"compiled; C and onnxruntime agree to {found.largest:.1e} of the largest value "
        f"over {found.observations} observations"
    )
    lines = [
        f"[bold]{escape(str(report.path))}[/bold]: {compared}",
        f"{report.multiplications} multiplications a tick, {report.weights_bytes} bytes of weights, "
        f"{report.state_bytes} bytes of state",
        f"calls: {report.prefix}_reset, {report.prefix}_step; the head of the file says how",
    ]
    if weights is not None:
        lines.append(f"weights: {escape(str(weights))}; the program takes them with {report.prefix}_load")
    return Outcome(report.document(), "\n".join(lines))
