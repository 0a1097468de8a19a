"""The `bench` command: speed, measured side by side in one run, as ratios."""

from typing import Annotated, Any

import typer

from configs.command import Json, Outcome, reports
from configs.errors import MissingExtraError, UserError
from configs.load import load_randomization, load_task
from sim2real.bench.machine import machine

app = typer.Typer(help="Measure speed side by side in one run; prints ratios.", no_args_is_help=True)


@app.command()
@reports
def bus(
    motors: Annotated[int, typer.Option(min=1, max=100, help="Motors on the bus.")] = 12,
    seconds: Annotated[float, typer.Option(min=0.1, max=600.0, help="Time for each side.")] = 5.0,
    json_output: Json = False,
) -> Outcome:
    """Compare the driver's tick (one read, one write) with dynamixel-sdk's on a pseudo-terminal.

    Example: sim2real bench bus --motors 12
    """
    try:
        from hardware.bench_bus import bench_bus
    except ModuleNotFoundError as error:
        raise MissingExtraError("bench bus", error.name or "dynamixel-sdk", "dev") from error
    return report("bus", bench_bus(motors, seconds))


@app.command()
@reports
def sim(
    task: Annotated[str, typer.Argument(help="Task name or path.")] = "pendulum_swingup",
    randomization: Annotated[str, typer.Option(help="Randomization name or path.")] = "pendulum",
    environments: Annotated[int, typer.Option(min=1, max=65536, help="Simulations that step together.")] = 1024,
    threads: Annotated[int, typer.Option(min=0, help="Threads; 0 uses every core.")] = 0,
    json_output: Json = False,
) -> Outcome:
    """Compare the randomised environment with bare Batch.step of the same model.

    Example: sim2real bench sim pendulum_swingup --environments 1024
    """
    try:
        from sim2real.bench.sim import bench_sim
    except ModuleNotFoundError as error:
        raise MissingExtraError("bench sim", error.name or "mujoco", "train") from error
    return report("sim", bench_sim(load_task(task), load_randomization(randomization), environments, threads))


def report(name: str, measured: dict[str, Any]) -> Outcome:
    """Return the outcome of a benchmark: DESIGN's document, and a short table for people."""
    ratios, figures = measured["ratios"], measured["figures"]
    if not ratios:
        raise UserError(f"bench {name}: nothing was measured")
    lines = [f"[bold]{key}[/bold]: {value:.3f}" for key, value in ratios.items()]
    lines += [f"{key}: {_shown(value)}" for key, value in figures.items()]
    return Outcome({"bench": name, "machine": machine(), "ratios": ratios, "figures": figures}, "\n".join(lines))


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.4g}"
    if isinstance(value, list):
        return ", ".join(_shown(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {_shown(item)}" for key, item in value.items())
    return str(value)
