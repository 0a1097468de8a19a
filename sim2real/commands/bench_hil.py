"""The `bench hil` command: how much faster than real time scenarios run."""

from typing import Annotated

import typer

from sim2real.commands.bench import report
from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.configs.load import load_robot
from sim2real.configs.policy_reference import policy_file
from sim2real.hardware.emulator.plant import AUTO_PLANT

app = typer.Typer()


@app.command("hil")
@reports
def hil(
    policy: Annotated[
        str, typer.Argument(help="A shipped policy, a training run, or an ONNX file.")
    ] = "quadruped_walk",
    robot: Annotated[str, typer.Option("--robot", help="Its robot.")] = "quadruped",
    bus_rate: Annotated[float, typer.Option("--bus-rate", min=1.0, help="Ticks of the bus a second.")] = 200.0,
    plant: Annotated[
        str, typer.Option("--plant", help="inertia, mujoco, or auto for mujoco where installed.")
    ] = AUTO_PLANT,
    seconds: Annotated[float, typer.Option(min=0.1, max=3600.0, help="Simulated seconds a round.")] = 10.0,
    json_output: Json = False,
) -> Outcome:
    """Measure a scenario's run against real time: 12 motors, IMU, MuJoCo; the bus at 200 Hz and at the policy's rate.

    Example: sim2real bench hil --seconds 5
    """
    from sim2real.benchmark.lockstep import bench_hil

    return report("hil", bench_hil(policy_file(policy), load_robot(robot), plant, seconds, bus_rate))
