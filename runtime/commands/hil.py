"""The `hil` command: hardware-in-the-loop scenarios with a verdict."""

from pathlib import Path
from typing import Annotated

import typer

from sim2real.configs.command_line import typed
from sim2real.configs.command_outcome import Json, Outcome, error_console, reports
from sim2real.configs.errors import UserError
from sim2real.hardware.emulator.plant import AUTO_PLANT
from sim2real.runtime.commands.default_command import DefaultCommand
from sim2real.runtime.commands.hil_compare import hil_compare
from sim2real.runtime.commands.hil_progress import progress
from sim2real.runtime.hil.evidence import LOG
from sim2real.runtime.hil.job import Job, JobResult
from sim2real.runtime.hil.junit import write_junit
from sim2real.runtime.hil.noted import check_noted, note_results
from sim2real.runtime.hil.scenario_files import SHIPPED, find_scenarios
from sim2real.runtime.hil.summary_table import summary_table
from sim2real.runtime.hil.workers import processors, run_jobs
from sim2real.runtime.next_lines import NextLines

app = typer.Typer(cls=DefaultCommand, help="Run hardware-in-the-loop scenarios on the emulated robot.")
app.command("compare")(hil_compare)

_LOOKS = 3
"""Failures of which the page is offered: as many as one looks at."""

Policies = Annotated[
    list[str] | None,
    typer.Option(
        "--policy",
        help="A shipped policy, a run, or an ONNX file; may be repeated: each scenario takes the one of its task. "
        "By default the shipped policy with the task's name.",
        show_default=False,
    ),
]
Plant = Annotated[
    str, typer.Option("--plant", help="Emulated mechanics: inertia, mujoco, or auto for mujoco where installed.")
]


@app.command("run")
@reports
def hil(
    scenarios: Annotated[
        list[str] | None,
        typer.Argument(help="Shipped scenarios, YAML files, or folders of them.", show_default=False),
    ] = None,
    policy: Policies = None,
    plant: Plant = AUTO_PLANT,
    shipped: Annotated[bool, typer.Option("--shipped", help="Run all shipped scenarios.")] = False,
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=1, help="Scenarios at a time; by default one a processor.")
    ] = None,
    repeat: Annotated[
        int,
        typer.Option("--repeat", min=1, max=100, help="Run each so often; each time must be the same, bit for bit."),
    ] = 1,
    logs: Annotated[
        Path | None, typer.Option("--logs", help="Folder that gets one MCAP log for each scenario.")
    ] = None,
    keep: Annotated[
        Path, typer.Option("--keep", help="Folder for log, picture and table of each scenario that fails.")
    ] = Path("hil-failures"),
    junit: Annotated[Path | None, typer.Option("--junit", help="File for the results as JUnit XML.")] = None,
    noted: Annotated[
        bool,
        typer.Option("--note", help="Write the results into the ONNX file of each --policy; sign it afterwards."),
    ] = False,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Override key.path=value of every scenario; may be repeated.")
    ] = None,
    json_output: Json = False,
) -> Outcome:
    """Run scenarios on the emulated robot in lockstep and check their expected results.

    Example: sim2real hil run pendulum_swingup pendulum_lossy_bus --policy pendulum_swingup
    """
    references = [*(scenarios or ()), *([str(SHIPPED)] if shipped else ())]
    if not references:
        raise UserError(
            "no scenario given; name shipped ones, YAML files or folders, or give --shipped for all of them"
        )
    if noted:
        check_noted(policy or (), overrides or ())
    found = find_scenarios(references)
    if found.others:
        names = ", ".join(path.name for path in found.others)
        error_console().print(f"no scenarios, as they have no key `expect`: {names}", markup=False)
    if logs is not None:
        try:
            logs.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{logs}: cannot be made: {error.strerror}") from error
    work = [
        Job(
            path,
            tuple(policy or ()),
            tuple(overrides or ()),
            plant,
            None if logs is None else logs / f"{name}.mcap",
            keep,
            repeat,
        )
        for path, name in zip(found.paths, found.names, strict=True)
    ]
    with progress(len(work)) as done:
        results = run_jobs(work, processors() if jobs is None else jobs, done)
    if junit is not None:
        write_junit(junit, results)
    if noted:
        note_results(results, policy or ())
    return _outcome(results)


def _outcome(results: tuple[JobResult, ...]) -> Outcome:
    reasons = tuple(f"{each.name}: {failure}" for each in results for failure in each.failures)
    for each in results:
        if each.evidence is not None:
            error_console().print(f"{each.name}: log, picture and last seconds are in {each.evidence}", markup=False)
    document = {
        "policy": ", ".join(dict.fromkeys(each.policy for each in results)),
        "scenarios": [_document(each) for each in results],
    }
    return Outcome(document, summary_table(results), ok=not reasons, reasons=reasons, next=_next(results))


def _next(results: tuple[JobResult, ...]) -> tuple[str, ...]:
    """Return a look at the first failures, or the way of a policy that has passed."""
    logs = [each.evidence / LOG for each in results if each.evidence is not None and (each.evidence / LOG).is_file()]
    if logs:
        return tuple(typed("report", log) for log in logs[:_LOOKS])
    passed = [each for each in results if each.ok and each.policy]
    return NextLines.of(passed[0].policy).flash() if len(passed) == len(results) and passed else ()


def _document(job: JobResult) -> dict[str, object]:
    about: dict[str, object] = {
        "robot": job.robot,
        "policy": job.policy,
        "wall_s": job.wall_s,
        "kept": str(job.evidence) if job.evidence is not None else None,
    }
    if job.result is not None:
        return job.result.document() | about
    return {"name": job.name, "ok": False, "reasons": list(job.failures)} | about
