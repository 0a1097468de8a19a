"""The `bench loop` command: how punctual the ticks of a run are."""

from pathlib import Path
from typing import Annotated

import typer

from sim2real.commands.bench import report
from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.configs.load import load_robot
from sim2real.hardware.emulator.plant import AUTO_PLANT
from sim2real.runtime.policy import load_policy

app = typer.Typer()


@app.command()
@reports
def loop(
    policy: Annotated[Path, typer.Argument(help="A shipped policy, a training run, or an ONNX file.")] = Path(
        "quadruped_walk"
    ),
    robot: Annotated[
        str | None, typer.Option("--robot", help="A robot's name or YAML file; the policy's own when left out.")
    ] = None,
    rate: Annotated[float, typer.Option(min=1.0, max=2000.0, help="Ticks a second: a multiple of the policy's.")] = 200,
    minutes: Annotated[float, typer.Option(min=0.02, max=1440.0, help="Time of all runs together.")] = 1.0,
    plant: Annotated[str, typer.Option(help="inertia, mujoco, or auto for mujoco where installed.")] = AUTO_PLANT,
    busy: Annotated[bool, typer.Option("--busy", help="One process a processor computes all the while.")] = False,
    json_output: Json = False,
) -> Outcome:
    """Measure how late ticks begin against the emulated robot, and how many are missed, beside a bare sleep.

    Example: sim2real bench loop --minutes 10 --busy
    """
    from sim2real.benchmark.loop import bench_loop

    loaded = load_policy(policy)
    config = load_robot(robot or loaded.contract.robot.name)
    return report("loop", bench_loop(loaded, config, rate, minutes * 60.0, plant=plant, busy=busy))
