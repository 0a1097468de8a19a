"""The `bench soak` command: long runs."""

from pathlib import Path
from typing import Annotated

import typer

from sim2real.commands.bench import report
from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.configs.load import load_robot
from sim2real.hardware.emulator.plant import choose_plant
from sim2real.runtime.policy import load_policy

_MINUTES_MAX = 10_000.0

app = typer.Typer()


@app.command()
@reports
def soak(
    policy: Annotated[Path, typer.Argument(help="A shipped policy, a training run, or an ONNX file.")] = Path(
        "quadruped_walk"
    ),
    robot: Annotated[
        str | None, typer.Option("--robot", help="A robot's name or YAML file; the policy's own when left out.")
    ] = None,
    lockstep: Annotated[
        float, typer.Option(min=0.0, max=_MINUTES_MAX, help="Minutes of the robot's time in lockstep.")
    ] = 10.0,
    real: Annotated[float, typer.Option(min=0.0, max=_MINUTES_MAX, help="Minutes in real time.")] = 1.0,
    plant: Annotated[str, typer.Option(help="inertia, mujoco, or auto for mujoco where installed.")] = "inertia",
    json_output: Json = False,
) -> Outcome:
    """Run for a long time: does memory stay, are the ticks on their grid, is the log complete.

    Example: sim2real bench soak --lockstep 120 --real 30
    """
    from sim2real.benchmark.soak import bench_soak

    loaded = load_policy(policy)
    config, chosen = load_robot(robot or loaded.contract.robot.name), choose_plant(plant)
    return report("soak", bench_soak(loaded, config, lockstep * 60.0, real * 60.0, plant=chosen))
