"""The `hil` command: hardware-in-the-loop scenarios with a verdict."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from sim2real.configs.command_outcome import Json, Outcome, error_console, reports
from sim2real.configs.errors import UserError
from sim2real.configs.load import load_scenario
from sim2real.hardware.emulator.plant import AUTO_PLANT
from sim2real.runtime.hil import ScenarioResult, run_scenario
from sim2real.runtime.policy import load_policy

app = typer.Typer()


@app.command()
@reports
def hil(
    scenarios: Annotated[list[str], typer.Argument(help="Shipped scenarios or YAML files.", show_default=False)],
    policy: Annotated[Path, typer.Option("--policy", help="A shipped policy, or an ONNX file.", show_default=False)],
    plant: Annotated[
        str, typer.Option("--plant", help="Emulated mechanics: inertia, mujoco, or auto for mujoco where installed.")
    ] = AUTO_PLANT,
    logs: Annotated[
        Path | None, typer.Option("--logs", help="Folder that gets one MCAP log for each scenario.")
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Override key.path=value of every scenario; may be repeated.")
    ] = None,
    json_output: Json = False,
) -> Outcome:
    """Run scenarios on the emulated robot in lockstep and check their expected results.

    Example: sim2real hil pendulum_swingup pendulum_lossy_bus --policy policy.onnx
    """
    loaded = load_policy(policy)
    configs = [load_scenario(name, tuple(overrides or ())) for name in scenarios]
    if logs is not None:
        try:
            logs.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{logs}: cannot be made: {error.strerror}") from error
    results = []
    for config in configs:
        error_console().print(f"{config.name}: {escape(config.description)}")
        log = logs / f"{config.name}.mcap" if logs is not None else None
        results.append(run_scenario(config, loaded, plant=plant, log=log))
    reasons = tuple(f"{result.name}: {failure}" for result in results for failure in result.failures)
    document = {"policy": str(policy), "scenarios": [result.document() for result in results]}
    return Outcome(document, _table(results), ok=not reasons, reasons=reasons)


def _table(results: list[ScenarioResult]) -> str:
    rows = [("scenario", "verdict", "state", "goal", "held", "interventions", "faults injected")]
    for result in results:
        report = result.report
        rows.append(
            (
                result.name,
                "ok" if result.ok else "failed",
                report.final_state.name,
                {True: "reached", False: "missed", None: "-"}[report.goal_reached],
                str(report.held_ticks),
                str(report.interventions_total),
                str(result.faults_injected),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
