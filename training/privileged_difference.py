"""By what the privileged values of one experiment mean something else in another."""

from sim2real.configs.schema.experiment import ExperimentConfig
from sim2real.configs.schema.randomization import RandomizationConfig
from sim2real.configs.schema.task import TaskConfig


def privileged_difference(one: ExperimentConfig, other: ExperimentConfig) -> list[str]:
    """Return the parts in which what the two policies see beside their observations differs; empty without any."""
    if one.privileged_policy != other.privileged_policy:
        return ["privileged_policy"]
    if not one.privileged_policy:
        return []
    return changed_privileged(one.task, one.randomization, other.task, other.randomization)


def changed_privileged(
    task: TaskConfig, randomization: RandomizationConfig, other_task: TaskConfig, other: RandomizationConfig
) -> list[str]:
    """Return what makes the privileged values of two tasks differ.

    They are the terms in their order; parameters are told in half widths of their limits, those that are drawn.
    """
    changed = []
    if task.privileged != other_task.privileged:
        changed.append("task.privileged")
    if "parameters" in task.privileged and randomization.parameters != other.parameters:
        changed.append("randomization.parameters")
    return changed
