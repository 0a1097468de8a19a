"""The outcome of a benchmark that is made of many training runs."""

from typing import Any

from rich.markup import escape

from sim2real.benchmark.machine import machine
from sim2real.configs.command_outcome import Outcome
from sim2real.training.sweep.outcome import text_of


def outcome_of(bench: str, found: dict[str, Any]) -> Outcome:
    """Return table, ratios and picture of a benchmark, whose failed runs are reasons.

    Args:
        bench: Its name.
        found: `groups`, `ratios`, `figures`, `picture`, and `failed`, a line each.
    """
    lines = [text_of(found["groups"]), *(f"{name}: {ratio:.2f}" for name, ratio in found["ratios"].items())]
    document = {
        "bench": bench,
        "machine": machine(),
        "ratios": found["ratios"],
        "figures": found["figures"],
        "picture": found["picture"],
    }
    text = escape("\n".join([*lines, f"picture: {found['picture']}"]))
    return Outcome(document, text, ok=not found["failed"], reasons=tuple(found["failed"]))
