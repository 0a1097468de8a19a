"""The `bench supervisor` command: torque after the death of the program."""

from typing import Annotated

import typer

from sim2real.commands.bench import report
from sim2real.configs.command_outcome import Json, Outcome, reports
from sim2real.configs.library import shipped_policies
from sim2real.configs.load import load_robot
from sim2real.runtime.policy import load_policy

app = typer.Typer()


@app.command()
@reports
def supervisor(
    policies: Annotated[
        list[str] | None,
        typer.Argument(help="Shipped policies, training runs, or ONNX files; all shipped ones when left out."),
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, max=1000, help="Runs of each robot and ending.")] = 3,
    ending: Annotated[list[str] | None, typer.Option(help="One of the ways to end; may be repeated.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws the moments.")] = 0,
    json_output: Json = False,
) -> Outcome:
    """Kill, stop and jam runs, and their supervisors: how long do the emulated motors keep torque?

    Example: sim2real bench supervisor quadruped_walk --repeats 10
    """
    from sim2real.benchmark.supervisor import ENDINGS, bench_supervisor

    chosen = policies or shipped_policies()
    robots = [(load_robot(load_policy(policy).contract.robot.name), policy) for policy in chosen]
    return report("supervisor", bench_supervisor(robots, repeats, seed, ending or tuple(ENDINGS)))
