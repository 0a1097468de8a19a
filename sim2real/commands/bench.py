"""The `bench` command: speed, measured side by side in one run, as ratios."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from sim2real.benchmark.bus import bench_bus
from sim2real.benchmark.machine import machine
from sim2real.commands.lazy_group import commands_of, lazy_group
from sim2real.configs.command_outcome import Json, Outcome, error_console, reports
from sim2real.configs.errors import MissingExtraError, UserError
from sim2real.configs.library import shipped_with_model
from sim2real.configs.load import load_randomization, load_robot, load_task
from sim2real.configs.policy_reference import policy_file
from sim2real.hardware.emulator.plant import AUTO_PLANT

_ENVIRONMENTS_MAX = 65_536

app = typer.Typer(
    cls=lazy_group(commands_of("sim2real.benchmarks")),
    help="Measure speed side by side in one run, and what transfers; prints ratios.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


_SIM_TASKS = ("pendulum_swingup", "so101_reach", "quadruped_walk")
_SIM_SIZES = (256, 1024)


@app.command()
@reports
def bus(
    motors: Annotated[int, typer.Option(min=1, max=100, help="Motors on the bus.")] = 12,
    seconds: Annotated[float, typer.Option(min=0.1, max=600.0, help="Time for each side.")] = 5.0,
    family: Annotated[
        str | None, typer.Option("--family", help="Motor family; by default the one that other libraries drive, too.")
    ] = None,
    json_output: Json = False,
) -> Outcome:
    """Compare the driver's tick (one read, one write) with other libraries' on a pseudo-terminal.

    A family that no other library is compared for is measured without a port, beside the driver of one that is.

    Example: sim2real bench bus --motors 12
    """
    try:
        return report("bus", bench_bus(family, motors, seconds))
    except ModuleNotFoundError as error:
        raise MissingExtraError("bench bus", error.name or "a library to compare with", "dev") from error


@app.command()
@reports
def lockstep(
    policy: Annotated[
        Path, typer.Argument(help="A shipped policy, a training run, or an ONNX file.", show_default=False)
    ],
    robot: Annotated[str, typer.Option("--robot", help="A shipped robot or its YAML file.", show_default=False)],
    plant: Annotated[str, typer.Option(help="inertia, mujoco, or auto for mujoco where installed.")] = AUTO_PLANT,
    seconds: Annotated[float, typer.Option(min=0.1, max=3600.0, help="Simulated seconds a round.")] = 20.0,
    json_output: Json = False,
) -> Outcome:
    """Measure how much faster than real time a run on the emulated robot is: runtime, driver, codec, emulator, plant.

    Example: sim2real bench lockstep policy.onnx --robot pendulum
    """
    from sim2real.benchmark.lockstep import bench_lockstep

    return report("lockstep", bench_lockstep(policy_file(policy), load_robot(robot), plant, seconds))


@app.command()
@reports
def sim(
    tasks: Annotated[list[str] | None, typer.Argument(help="Task names or paths.", show_default=False)] = None,
    randomization: Annotated[
        str | None, typer.Option(help="Randomization name or path; the one with the robot's name when left out.")
    ] = None,
    environments: Annotated[
        list[int] | None, typer.Option(min=1, max=65536, help="Simulations that step together; may be repeated.")
    ] = None,
    threads: Annotated[int, typer.Option(min=0, help="Threads; 0 uses every core.")] = 0,
    seconds: Annotated[float, typer.Option(min=0.01, max=60.0, help="Time for each side of each round.")] = 1.0,
    json_output: Json = False,
) -> Outcome:
    """Compare the randomised environment with bare Batch.step of the same model, on three robots or the given tasks.

    Example: sim2real bench sim quadruped_walk --environments 256 --environments 1024
    """
    try:
        from sim2real.benchmark.sim import bench_sim
    except ModuleNotFoundError as error:
        raise MissingExtraError("bench sim", error.name or "mujoco", "train") from error
    chosen = [load_task(task) for task in tasks or _SIM_TASKS]
    pairs = [(task, load_randomization(randomization or task.robot.name)) for task in chosen]
    return report("sim", bench_sim(pairs, environments or _SIM_SIZES, threads, seconds))


@app.command()
@reports
def emulator(
    robot: Annotated[str, typer.Argument(help="A robot whose motors one request can ask.")] = "quadruped",
    rate: Annotated[float, typer.Option(min=1.0, max=1000.0, help="Requests a second.")] = 200.0,
    seconds: Annotated[float, typer.Option(min=0.1, max=600.0, help="How long to ask.")] = 10.0,
    json_output: Json = False,
) -> Outcome:
    """Measure the emulator's reply time to a group read of all motors while the MuJoCo plant runs.

    Example: sim2real bench emulator quadruped --seconds 10
    """
    from sim2real.benchmark.emulator import bench_emulator

    return report("emulator", bench_emulator(robot, rate, seconds))


@app.command("gymnasium")
@reports
def gymnasium_(
    tasks: Annotated[list[str] | None, typer.Argument(help="Gymnasium's MuJoCo tasks.", show_default=False)] = None,
    threads: Annotated[int, typer.Option(min=0, help="Threads of ours and EnvPool's; 0 uses every core.")] = 0,
    seconds: Annotated[float, typer.Option(min=0.01, max=60.0, help="Time for each side of each round.")] = 1.0,
    json_output: Json = False,
) -> Outcome:
    """Compare our batch with Gymnasium, Stable-Baselines3 and EnvPool on HalfCheetah-v5 and Ant-v5, or the given tasks.

    Example: sim2real bench gymnasium HalfCheetah-v5 Ant-v5
    """
    try:
        from sim2real.benchmark.gymnasium import bench_gymnasium
    except ModuleNotFoundError as error:
        raise MissingExtraError("bench gymnasium", error.name or "gymnasium", "train") from error
    return report("gymnasium", bench_gymnasium(tasks or ["HalfCheetah-v5", "Ant-v5"], threads, seconds))


@app.command()
@reports
def scale(
    task: Annotated[str, typer.Argument(help="A task's name or path, or Gymnasium's, such as Ant-v5.")] = (
        "pendulum_swingup"
    ),
    randomization: Annotated[str, typer.Option(help="Randomization name or path, for tasks of ours.")] = "none",
    sizes: Annotated[str, typer.Option(help="Numbers of environments.")] = "64,256,1024,4096,8192",
    threads: Annotated[int, typer.Option(min=0, help="Threads; 0 uses every core.")] = 0,
    seconds: Annotated[float, typer.Option(min=0.01, max=60.0, help="Time for each size of each round.")] = 1.0,
    json_output: Json = False,
) -> Outcome:
    """Measure throughput and memory from tens to thousands of environments.

    Example: sim2real bench scale pendulum_swingup --randomization pendulum
    """
    try:
        from sim2real.benchmark.scale import bench_scale
    except ModuleNotFoundError as error:
        raise MissingExtraError("bench scale", error.name or "mujoco", "train") from error
    return report("scale", bench_scale(task, randomization, _numbers(sizes), threads, seconds))


@app.command()
@reports
def gap(
    robots: Annotated[
        list[str] | None, typer.Option("--robot", help="A robot's name or YAML file; repeatable.", show_default="all")
    ] = None,
    seconds: Annotated[float, typer.Option(min=3.0, max=600.0, help="Simulated seconds of targets.")] = 10.0,
    json_output: Json = False,
) -> Outcome:
    """Play the same targets in the batch environment and on the emulated robot; compare the joints' positions.

    Example: sim2real bench gap --robot quadruped
    """
    try:
        from sim2real.benchmark.gap import bench_gap
    except ModuleNotFoundError as error:
        raise MissingExtraError("bench gap", error.name or "mujoco", "train") from error
    return report("gap", bench_gap([load_robot(name) for name in robots or shipped_with_model()], seconds))


@app.command()
@reports
def faults(
    robots: Annotated[
        list[str] | None, typer.Option("--robot", help="A shipped robot; repeatable.", show_default="all")
    ] = None,
    scenarios: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many.")] = 3600,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of the campaign.")] = 0,
    only: Annotated[
        str | None, typer.Option("--only", help="Run the scenario with this id alone; print its timeline.")
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 is one a core.")] = 0,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Write each result to this file as it comes; results in it are not run again."
        ),
    ] = None,
    json_output: Json = False,
) -> Outcome:
    """Break the emulated robots in every way at every moment; judge at the motors whether each was kept safe.

    Example: sim2real bench faults --robot so101 --scenarios 100
    """
    from sim2real.benchmark.fault_table import table, text_of
    from sim2real.benchmark.faults import CampaignInterrupt, bench_faults, says

    try:
        measured, results = bench_faults(robots or [], scenarios, seed, workers, only, output)
    except CampaignInterrupt as interrupt:
        typer.echo(text_of(table(interrupt.results)), err=True)
        how = "the same command goes on" if output is not None else "with --output they would have been kept"
        error_console().print(f"{interrupt}; {how}", markup=False)
        raise
    outcome = report("faults", measured)
    text = "\n".join(results[0].timeline) if only is not None else text_of(measured["figures"]["cases"])
    return replace(outcome, text=escape(text), ok=not any(r.problems for r in results), reasons=says(results))


def _numbers(text: str) -> tuple[int, ...]:
    """Read at least two numbers of environments."""
    parts = [part.strip() for part in text.split(",")]
    if len(set(parts)) < 2 or not all(part.isdecimal() and 1 <= int(part) <= _ENVIRONMENTS_MAX for part in parts):
        raise UserError(f"--sizes {text!r}: give two or more numbers of 1 to {_ENVIRONMENTS_MAX}, as in 64,1024")
    return tuple(int(part) for part in parts)


def report(name: str, measured: dict[str, Any]) -> Outcome:
    """Return the outcome of a benchmark: DESIGN's document, and a short table for people."""
    ratios, figures = measured["ratios"], measured["figures"]
    if not ratios:
        raise UserError(f"bench {name}: nothing was measured")
    lines = [f"[bold]{key}[/bold]: {value:.3f}" for key, value in ratios.items()]
    lines += [f"{key}: {_shown(value)}" for key, value in figures.items()]
    return Outcome(
        {"bench": name, "machine": machine(measured.get("libraries", ())), "ratios": ratios, "figures": figures},
        "\n".join(lines),
    )


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.4g}"
    if isinstance(value, list):
        return ", ".join(_shown(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {_shown(item)}" for key, item in value.items())
    return str(value)
