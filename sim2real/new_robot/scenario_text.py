"""Makes the first hardware-in-the-loop scenario of a task: it runs as it is, and shows where to go on."""

import textwrap
from collections.abc import Iterator
from typing import Final

from sim2real.configs.schema.run_signal import signals_of
from sim2real.configs.schema.task import TaskConfig

_LOSS: Final = 0.02
"""Share of replies that are lost: a poor cable, which every shipped policy copes with."""
_SECONDS_MIN: Final = 4.0
_SETTLING: Final = 5.0
"""s until a goal is reached that must then be held."""
_WIDTH: Final = 100
"""Of a comment."""


def new_scenario(task: TaskConfig, reference: str, name: str) -> str:
    """Return the text of a scenario.

    Args:
        task: The task of the policy to test.
        reference: The same, as the file is to name it.
        name: Name of the scenario.
    """
    return "\n".join(_lines(task, reference, name)) + "\n"


def _lines(task: TaskConfig, reference: str, name: str) -> Iterator[str]:
    joint = next(iter(task.robot.joints))
    seconds = max(task.episode_duration, _SECONDS_MIN, _SETTLING + (task.goal.hold or 0.0))
    yield f"# Draft made by `sim2real new scenario {reference}`; it runs as it is."
    yield f"name: {name}"
    yield "description: A poor cable, while the task is done."
    yield f"task: {reference}"
    yield f"duration: {seconds:g} s"
    yield from _commands(task)
    yield "faults:"
    yield f"  name: {name}_faults"
    yield "  faults: # times count from when torque is first switched on"
    yield f"    - {{kind: lose_reply, probability: {_LOSS:g}}}"
    yield f"    # - {{kind: silent, joint: {joint}, start: 2 s}} # then expect final_state: FAULT, and no goal"
    yield "expect:"
    yield "  final_state: RUNNING"
    yield "  goal: true"
    yield "  faults_injected_min: 1"
    yield "  checks:"
    yield "    - {always: state is RUNNING, why: the cable is not so poor that the robot may stop}"
    yield f"    - {{always: {joint}.temperature < {task.robot.safety.temperature_max:g} degC}}"
    signals = ", ".join(name for name in signals_of(task) if "." not in name)
    yield from (f"    # {line}" for line in textwrap.wrap(f"signals: {signals}", _WIDTH))


def _commands(task: TaskConfig) -> Iterator[str]:
    if not task.commands:
        return
    yield "commands: # in order of time"
    values = ", ".join(f"{name}: {command.default:g}" for name, command in task.commands.items())
    yield f"  - {{values: {{{values}}}}}"
    for name, command in task.commands.items():
        yield f"  # {name}: {command.range[0]:g} to {command.range[1]:g}"
