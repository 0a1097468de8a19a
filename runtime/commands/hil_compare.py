"""The `hil compare` command: two policies on the same seeds."""

from typing import Annotated

import typer
from rich.markup import escape

from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.hardware.emulator.plant import AUTO_PLANT
from sim2real.runtime.commands.hil_progress import progress
from sim2real.runtime.hil.comparison import FIGURES, Comparison, comparable, compare
from sim2real.runtime.hil.paired_statistics import Interval
from sim2real.runtime.hil.workers import processors

_NAMED = 8
"""Runs that are listed as better or worse; --json has all."""


@reports
def hil_compare(
    old: Annotated[str, typer.Argument(help="A shipped policy, or an ONNX file.")],
    new: Annotated[str, typer.Argument(help="The policy that is to replace it; of the same task.")],
    scenarios: Annotated[
        list[str] | None,
        typer.Argument(
            help="Scenarios, files or folders; by default the shipped ones of the task.", show_default=False
        ),
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, max=10_000, help="Seeds of each scenario.")] = 5,
    allow: Annotated[
        float, typer.Option("--allow", min=0.0, max=1.0, help="Share by which success may fall before this fails.")
    ] = 0.0,
    plant: Annotated[
        str, typer.Option("--plant", help="Emulated mechanics: inertia, mujoco, or auto for mujoco where installed.")
    ] = AUTO_PLANT,
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=1, help="Runs at a time; by default one a processor.")
    ] = None,
    json_output: Json = False,
) -> Outcome:
    """Run two policies on the same scenarios and seeds, and say what got better and worse.

    Success of both with Wilson's intervals, its change with Newcombe's interval for pairs and McNemar's exact test;
    figures as means of paired differences with Student's interval; all at 95 %. Runs that no seed changes count once.
    Failures are gathered by cause. Fails if success falls by more than --allow.

    Example: sim2real hil compare pendulum_swingup runs/next/policy.onnx --seeds 20
    """
    paths, left_out = comparable(old, new, scenarios or ())
    with progress(2 * len(paths) * seeds) as done:
        found = compare(
            old,
            new,
            paths,
            seeds=seeds,
            plant=plant,
            workers=processors() if jobs is None else jobs,
            done=done,
            left_out=left_out,
        )
    change = found.success.change.value
    reasons = (f"success fell by {-change:.1%}, more than {allow:.1%}",) if not change >= -allow else ()
    return Outcome(found.document(), escape("\n".join(_lines(found))), ok=not reasons, reasons=reasons)


def _lines(found: Comparison) -> list[str]:
    counts = found.success
    repeated = f"; {found.repeated} more were the same run again" if found.repeated else ""
    lines = [
        f"{counts.runs} runs of {len(found.scenarios)} scenarios, each by both policies{repeated}",
        f"success  old {_share(counts.old)}   new {_share(counts.new)}",
        f"change   {_share(counts.change, signed=True)}   McNemar p = {counts.p:.3g} "
        f"({counts.only_new} better, {counts.only_old} worse)",
    ]
    for name, words in FIGURES.items():
        lines.append(f"{words}: {_difference(found.figures[name])}")
    lines += [f"better: {_some(found.better)}"] if found.better else []
    lines += [f"worse: {_some(found.worse)}"] if found.worse else []
    for policy, label in ((found.old, "old"), (found.new, "new")):
        for cause in found.causes:
            if cause.policy == policy:
                lines.append(f"{label} fails {cause.count}x: {cause.text} ({', '.join(cause.runs)})")
        if found.old == found.new:
            break
    if found.left_out:
        lines.append(f"not compared, as they have a policy of their own: {', '.join(found.left_out)}")
    return lines


def _share(found: Interval, *, signed: bool = False) -> str:
    sign = "+" if signed else ""
    return f"{found.value:{sign}.1%} [{found.low:{sign}.1%}, {found.high:{sign}.1%}]"


def _difference(found: Interval | None) -> str:
    if found is None:
        return "too few runs to tell"
    verdict = "better" if found.high < 0.0 else "worse" if found.low > 0.0 else "no difference shown"
    return f"{found.value:+.4g} [{found.low:+.4g}, {found.high:+.4g}], {verdict}"


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
