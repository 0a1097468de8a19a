"""The `bench tick` command: what a tick costs without its wait for the bus."""

from pathlib import Path
from typing import Annotated

import typer

from sim2real.commands.bench import report
from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.configs.load import load_robot
from sim2real.runtime.policy import load_policy

app = typer.Typer()


@app.command()
@reports
def tick(
    policy: Annotated[Path, typer.Argument(help="A shipped policy, a training run, or an ONNX file.")] = Path(
        "quadruped_walk"
    ),
    robot: Annotated[
        str | None, typer.Option("--robot", help="A robot's name or YAML file; the policy's own when left out.")
    ] = None,
    ticks: Annotated[int, typer.Option(min=100, max=100_000_000, help="Ticks of policy to measure.")] = 10_000,
    log: Annotated[bool, typer.Option(help="Write a log, to a temporary file.")] = True,
    json_output: Json = False,
) -> Outcome:
    """Measure a tick without its wait for the bus, from the replies in the receive buffer to the recorded tick.

    Also says by how much memory grew over these ticks.

    Example: sim2real bench tick --ticks 1000000
    """
    from sim2real.benchmark.tick import bench_tick

    loaded = load_policy(policy)
    return report("tick", bench_tick(loaded, load_robot(robot or loaded.contract.robot.name), ticks, log=log))
