"""Whether a run failed although every number of it was finite: nothing can have been learned from its episodes."""

from typing import Final

from sim2real.configs.schema.task import TaskConfig
from sim2real.task.episodes import DIVERGED, TIME_LIMIT
from sim2real.training.evaluation import Evaluation

_STEPS_FEW: Final = 10
"""Control steps: no robot falls that fast, unless it begins inside the ground, outside its limits or in free fall."""
_SHARE_FEW: Final = 0.02
"""Of the time limit, for fast control: 0.4 s of 20 s."""


def failure_of(evaluation: Evaluation, task: TaskConfig) -> str | None:
    """Return why a run failed, in one line, or None if it did not.

    Args:
        evaluation: Its final evaluation.
        task: The task of the evaluation.
    """
    episodes, ends = evaluation.episodes, evaluation.ends
    if ends.get(DIVERGED, 0.0) == 1.0:
        return (
            f"the simulation diverged in all {episodes} episodes of the evaluation: lower task.physics.timestep, "
            "and see what sim2real reproduce says of the saved states"
        )
    few = max(_STEPS_FEW, round(_SHARE_FEW * task.episode_duration * task.control_rate))
    if ends.get(TIME_LIMIT, 1.0) > 0.0 or evaluation.length_max > few:
        return None
    by = ", ".join(f"{name} {share:.0%}" for name, share in ends.items() if share > 0.0)
    return (
        f"all {episodes} episodes of the evaluation ended within {evaluation.length_max} control steps, by: {by}: "
        "look at the model, the start of the episodes and these terminations"
    )
