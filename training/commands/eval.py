"""The `eval` command."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.configs.errors import UserError
from sim2real.runtime.next_lines import NextLines
from sim2real.runtime.policy_results import check_can_note, note
from sim2real.training.evaluate import SEED, evaluate
from sim2real.training.provenance import evaluation_results

if TYPE_CHECKING:
    from sim2real.training.evaluation import Evaluation

app = typer.Typer(help="Evaluate a policy in simulation.")


@app.command("eval")
@reports
def evaluate_policy(
    policy: Annotated[
        Path,
        typer.Argument(
            help="A training run, by name or folder, a shipped policy, or an ONNX file.", show_default=False
        ),
    ],
    video: Annotated[Path | None, typer.Option(help="Write a video of one episode (mp4).")] = None,
    episodes: Annotated[int, typer.Option(min=1, max=100_000, help="Episodes per row of the table.")] = 64,
    randomization: Annotated[
        str | None, typer.Option(help="Evaluate under this randomization too: a shipped name or a path.")
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Override key.path=value of its experiment; may be repeated.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of the episodes.")] = SEED,
    noted: Annotated[
        bool, typer.Option("--note", help="Write the results into the policy's ONNX file; sign it afterwards.")
    ] = False,
    emulated: Annotated[
        int, typer.Option("--emulated", min=0, max=10_000, help="Episodes on the emulated robot in lockstep, too.")
    ] = 0,
    page: Annotated[
        Path | None, typer.Option("--report", help="Write one HTML page of it, with the video if there is one.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option(help="Write what the policy saw and did, as trained (npz): demonstrations for bc.")
    ] = None,
    json_output: Json = False,
) -> Outcome:
    """Evaluate a policy: return, success, survival and the task's metrics, as trained and without randomization.

    --set changes the world; the policy's observations and actions stay the same.

    Example: sim2real eval first --episodes 256 --set task.episode_duration=5s
    """
    if page is not None and page.suffix != ".html":
        raise UserError(f"--report {page}: valid: a name that ends in .html")
    if page is not None and not page.parent.is_dir():
        raise UserError(f"--report {page}: there is no folder {page.parent}")
    if noted:
        if overrides:
            raise UserError("--note: the results of a world that --set has changed are not the policy's own")
        check_can_note(policy)
    report = evaluate(
        policy,
        episodes=episodes,
        randomization=randomization,
        overrides=tuple(overrides or ()),
        seed=seed,
        video=video,
        emulated=emulated,
        record=record,
    )
    if noted:
        note(policy, evaluation_results(report.rows))
    written = {"video": video, "report": page, "demonstrations": record}
    if page is not None:
        from sim2real.training.evaluation_page import write_evaluation_page

        write_evaluation_page(report, page)
    lines = NextLines.of(policy)
    files = "".join(f"\n{name}: {escape(str(path))}" for name, path in written.items() if path is not None)
    return Outcome(
        report.document() | ({} if page is None else {"report": str(page)}),
        table(report.rows) + files,
        next=(*(() if video else (lines.video(),)), *lines.run()),
    )


def table(rows: "Sequence[Evaluation]") -> str:
    """Return the results as a table, one row per randomization and metric."""
    lines = [f"{'randomization':<20} {'episodes':>8} {'return':>16} {'success':>8} {'survival':>8}"]
    for row in rows:
        value = f"{row.return_mean:.2f} ± {row.return_std:.2f}"
        success = "-" if math.isnan(row.success) else f"{row.success:.1%}"
        lines.append(f"{row.randomization:<20} {row.episodes:>8} {value:>16} {success:>8} {row.survival:>8.1%}")
    if any(row.metrics or row.costs for row in rows):
        lines += ["", f"{'randomization':<20} {'metric':<16} {'mean':>20} {'median':>9} {'90 %':>9}"]
    for row in rows:
        for name, spread in (row.metrics | {f"cost/{name}": spread for name, spread in row.costs.items()}).items():
            value = f"{spread.mean:.4g} ± {spread.std:.4g}"
            lines.append(f"{row.randomization:<20} {name:<16} {value:>20} {spread.median:>9.4g} {spread.p90:>9.4g}")
    lines += [""] if any(row.ends for row in rows) else []
    for row in rows:
        if not row.ends:
            continue
        ended = ", ".join(f"{name} {share:.1%}" for name, share in row.ends.items() if share > 0.0)
        lines.append(f"{row.randomization:<20} episodes ended by: {ended}")
    return "\n".join(lines)
