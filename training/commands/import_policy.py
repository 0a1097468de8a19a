"""The `import` command."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.configs.errors import MissingExtraError

app = typer.Typer(help="Import a policy from another project.")


@app.command("import")
@reports
def import_(
    model: Annotated[Path, typer.Argument(help="ONNX file of rsl_rl, mjlab, Isaac Lab or the like.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The bundle to write.")],
    sources: Annotated[
        list[Path] | None,
        typer.Option(
            "--from",
            help="YAML that states what the file does not: ours, or a deploy.yaml; may be repeated.",
            show_default=False,
        ),
    ] = None,
    golden: Annotated[
        Path | None,
        typer.Option("--golden", help="Golden vectors, JSON or .npz: observation, action, and what was measured."),
    ] = None,
    json_output: Json = False,
) -> Outcome:
    """Make a bundle with our contract from a policy of another project.

    The YAML states the order of joints, scales, default pose, gains and rate. What the file's own metadata says (mjlab)
    need not be stated again; what nobody states is refused by name, and so are two that contradict each other.

    Example: sim2real import policy.onnx --from go1.yaml --golden golden.json -o bundle.onnx
    """
    try:
        from sim2real.training.foreign.importing import import_policy
    except ModuleNotFoundError as error:
        raise MissingExtraError("import", str(error.name), "train") from error
    report = import_policy(model, sources or [], output, golden)
    contract = report.contract
    compared = (
        "no golden vectors: order and scales are as stated, and not proven"
        if report.golden_difference is None
        else f"agrees with {report.golden_ticks} golden ticks to {report.golden_difference:.1e}"
    )
    lines = [
        f"[bold]{escape(str(report.path))}[/bold]: task {escape(contract.task)}, robot {escape(contract.robot.name)}, "
        f"{contract.control_rate:g} Hz, {contract.observation_size} observations, {contract.action_size} actions",
        compared,
    ]
    return Outcome(report.document(), "\n".join(lines))
