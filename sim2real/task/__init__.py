"""Terms of a task: rewards, terminations, metrics, privileged values and command sources, and their declaration.

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
from sim2real.task.privileged_inputs import PrivilegedInputs, Sizes
from sim2real.task.state import BaseState, FeetState, TaskConstants, TaskState, commanded

__all__ = [
    "BaseState",
    "CommandSetup",
    "CommandSource",
    "FeetState",
    "HeldCommands",
    "HoldTimer",
    "Metric",
    "MetricSums",
    "PrivilegedInputs",
    "Sizes",
    "Streams",
    "TaskConstants",
    "TaskState",
    "command",
    "commanded",
    "metric",
    "privileged",
    "reward",
    "termination",
]
