"""The `reproduce` command: the control step in which a simulation diverged, repeated and shown."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.configs.errors import MissingExtraError, UserError
from sim2real.configs.policy_reference import find_run

if TYPE_CHECKING:
    from sim2real.simulation.divergence import Reproduction

app = typer.Typer()

_LISTED_MAX = 8  # a run saves no more


@app.command()
@reports
def reproduce(
    file: Annotated[
        Path,
        typer.Argument(help="A saved state, RUN/diverged/diverged_0.npz, or a run with one.", show_default=False),
    ],
    image: Annotated[
        Path | None, typer.Option("--image", help="Draw the state the step began with into this PNG.")
    ] = None,
    json_output: Json = False,
) -> Outcome:
    """Repeat the control step in which a simulation diverged, physics step by physics step; fails if it does not.

    Example: sim2real reproduce runs/first/diverged/diverged_0.npz --image state.png
    """
    try:
        from sim2real.simulation.divergence import reproduce as repeat
    except ModuleNotFoundError as error:
        raise MissingExtraError("reproduce", error.name or "mujoco", "train") from error
    if file.is_dir() or not (file.suffix or file.exists()):
        file = _only_state(find_run(file))
    found = repeat(file)
    if image is not None:
        _draw(file, image)
    document = {
        "file": str(file),
        "diverged": found.diverged,
        "physics_step": found.physics_step,
        "largest_velocity": found.largest_velocity,
        "fastest_joint": found.fastest_joint,
        "record": found.record,
        "image": str(image) if image is not None else None,
    }
    reasons = () if found.diverged else (f"{file}: the step did not diverge again; with another MuJoCo it may not",)
    return Outcome(document, _text(file, found), ok=found.diverged, reasons=reasons)


def _only_state(folder: Path) -> Path:
    """Return the one saved state below a folder. Raises UserError."""
    files = sorted(folder.glob("diverged*/*.npz")) or sorted(folder.glob("*.npz"))
    if len(files) == 1:
        return files[0]
    valid = ", ".join(str(path) for path in files[:_LISTED_MAX])
    raise UserError(f"{folder}: is a folder; valid: {valid or 'the path of a saved state, and there is none here'}")


def _draw(file: Path, image: Path) -> None:
    import imageio.v3 as imageio

    from sim2real.rendering.camera import Camera
    from sim2real.simulation.divergence import load_step

    saved = load_step(file)
    camera = Camera(saved.model)
    try:
        imageio.imwrite(image, camera.frame(saved.begin()), extension=".png")
    except OSError as error:
        raise UserError(f"{image}: cannot be written: {error.strerror or error}") from error
    finally:
        camera.close()


def _text(file: Path, found: "Reproduction") -> str:
    record = found.record
    lines = [
        f"{escape(str(file))}: "
        + (f"diverges in physics step {found.physics_step}" if found.diverged else "does not diverge")
        + f" of control step {record.get('step', '?')}",
        f"fastest before   {escape(found.fastest_joint) or 'nothing'}: {found.largest_velocity:.6g} rad/s or m/s",
    ]
    parameters = record.get("parameters", {})
    lines += [
        f"  {escape(name)}: {', '.join(f'{value:.6g}' for value in values)}" for name, values in parameters.items()
    ]
    return "\n".join(lines)
