"""What a task rewards, ends, measures, asks and shows a critic, and what it takes to declare such a term.

A module that a task names in `modules` imports from here:

>>> import numpy as np
>>> from sim2real.task import TaskConstants, TaskState, reward
>>> @reward(needs=("base",))
... def level(state: TaskState, constants: TaskConstants, scale: float) -> np.ndarray:
...     return np.exp(-np.square(state.base.down[:, 0] / scale))
"""

from sim2real.task.command_source import CommandSetup, CommandSource, HeldCommands, HoldTimer, Streams
from sim2real.task.declaration import command, metric, privileged, reward, termination
from sim2real.task.measurement import Metric, MetricSums
from sim2real.task.seen import Seen, Sizes
from sim2real.task.state import BaseState, FeetState, TaskConstants, TaskState, asked

__all__ = [
    "BaseState",
    "CommandSetup",
    "CommandSource",
    "FeetState",
    "HeldCommands",
    "HoldTimer",
    "Metric",
    "MetricSums",
    "Seen",
    "Sizes",
    "Streams",
    "TaskConstants",
    "TaskState",
    "asked",
    "command",
    "metric",
    "privileged",
    "reward",
    "termination",
]
