"""The `bench learn` command: our learners against those of other projects."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape

from sim2real.benchmark.machine import machine
from sim2real.configs.command_outcome import Json, Outcome, error_console, reports
from sim2real.configs.errors import MissingExtraError

app = typer.Typer()


@app.command()
@reports
def learn(
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="Only the cases whose names begin so; may be repeated.", show_default=False),
    ] = None,
    peers: Annotated[
        Literal["install", "none"],
        typer.Option(help="Install other projects into an environment of their own, or leave out what needs them."),
    ] = "install",
    peers_dir: Annotated[Path, typer.Option(help="That environment; it is used again.")] = Path("runs/peers"),
    repeats: Annotated[int, typer.Option(min=1, max=100, help="Rounds; a ratio is the median over them.")] = 3,
    seconds: Annotated[float, typer.Option(min=1.0, max=3600.0, help="Time of a side that is timed.")] = 15.0,
    seeds: Annotated[int, typer.Option(min=1, max=32, help="Seeds of InvertedPendulum.")] = 4,
    json_output: Json = False,
) -> Outcome:
    """Compare speed and returns of our learners with Stable-Baselines3's and rsl_rl's, and prove the export.

    Example: sim2real bench learn --only ppo_halfcheetah --repeats 1
    """
    try:
        from sim2real.training.benchmark.cases import cases
        from sim2real.training.benchmark.learn import bench_learn, chosen, met
    except ModuleNotFoundError as error:
        raise MissingExtraError("bench learn", error.name or "torch", "train") from error
    console = error_console()
    wanted = chosen(cases(seconds, seeds), tuple(only or ()), peers=peers == "install")
    measured = bench_learn(wanted, repeats, peers_dir, lambda line: console.print(escape(line)))
    ratios = measured["ratios"]
    lines = []
    for case in wanted:
        for name, ratio in ratios.items():
            if name.startswith(f"{case.name}/"):
                lines.append(_line(name, ratio, case, good=met(case, ratio)))
    document = {
        "bench": "learn",
        "machine": machine(measured["libraries"]),
        "ratios": ratios,
        "figures": measured["figures"],
    }
    return Outcome(document, "\n".join(lines))


def _line(name: str, ratio: float, case: Any, *, good: bool) -> str:  # noqa: ANN401 - a `Case`, which needs torch
    wanted = f"{'≥' if case.better == 'more' else '≤'} {case.bar:.3g}"
    return f"[bold]{escape(name)}[/bold]: {ratio:.3g} (bar {wanted}, {'met' if good else 'not met'})"
