"""Gymnasium's tasks by name."""

from sim2real.configs.errors import UserError
from sim2real.reference.ant import Ant
from sim2real.reference.humanoid import Humanoid
from sim2real.reference.pendulum import InvertedDoublePendulum, InvertedPendulum
from sim2real.reference.runner import HalfCheetah, Swimmer
from sim2real.reference.task import ReferenceTask
from sim2real.reference.walker import Hopper, Walker2d

TASKS: dict[str, type[ReferenceTask]] = {
    "Ant-v5": Ant,
    "HalfCheetah-v5": HalfCheetah,
    "Hopper-v5": Hopper,
    "Humanoid-v5": Humanoid,
    "InvertedDoublePendulum-v5": InvertedDoublePendulum,
    "InvertedPendulum-v5": InvertedPendulum,
    "Swimmer-v5": Swimmer,
    "Walker2d-v5": Walker2d,
}


def task_named(name: str) -> type[ReferenceTask]:
    """Return the task with one of Gymnasium's names.

    Raises:
        UserError: No such task.
    """
    if name not in TASKS:
        raise UserError(f"no task {name!r} of Gymnasium's; valid: {', '.join(TASKS)}")
    return TASKS[name]
