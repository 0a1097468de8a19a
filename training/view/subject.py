"""Which show a word on the command line means."""

from pathlib import Path

from sim2real.configs.errors import UserError
from sim2real.configs.library import is_path, shipped
from sim2real.configs.load import load_experiment, load_randomization, load_robot, load_task
from sim2real.configs.policy_reference import find_policy
from sim2real.training.checkup import kind_of
from sim2real.training.gymnasium.saved import is_for_gymnasium
from sim2real.training.saved_policy import load_saved_policy
from sim2real.training.view.show import LogShow, RobotShow, Show, TaskShow

_LOG = ".mcap"
_YAML = (".yaml", ".yml")


def show_of(subject: str, *, idle: bool = False, robot: str | None = None, overrides: tuple[str, ...] = ()) -> Show:
    """Return the show of a log, a robot, a policy or run, a task or an experiment.

    Args:
        subject: A file; or the name of a shipped robot, a policy or run, a shipped task or experiment, in this order.
        idle: Act at zero, where there is a policy.
        robot: The robot of a log, where it is not shipped.
        overrides: Texts `key.path=value` that change the world of a policy, a task or an experiment.

    Raises:
        UserError: There is no such thing, or it cannot be simulated.
    """
    path = Path(subject)
    if path.suffix == _LOG:
        return LogShow(path, None if robot is None else load_robot(robot))
    if robot is not None:
        raise UserError(f"--robot: {subject} is no log; valid: with a file that ends in {_LOG}")
    kind = _kind(subject)
    if kind == "robots":
        return RobotShow(load_robot(subject, overrides))
    if kind == "tasks":
        task = load_task(subject, overrides)
        return TaskShow(task, load_randomization("none"), None, f"task {task.name}, idle actions")
    if kind == "experiments":
        experiment = load_experiment(subject, overrides)
        title = f"experiment {experiment.name}, idle actions"
        return TaskShow(experiment.task, experiment.randomization, None, title)
    policy = find_policy(subject)
    if is_for_gymnasium(policy):
        raise UserError(
            f"{subject}: is for an environment of Gymnasium's; `sim2real eval {subject} --video FILE` shows it"
        )
    saved = load_saved_policy(policy, overrides)
    act = None if idle else saved.act
    title = f"policy {subject}, task {saved.experiment.task.name}" + (", idle actions" if idle else "")
    experiment = saved.experiment
    return TaskShow(experiment.task, experiment.randomization, act, title, privileged=experiment.privileged_policy)


def _kind(subject: str) -> str:
    """Return `robots`, `tasks` or `experiments`; empty for what can only be a policy."""
    if is_path(subject) and Path(subject).suffix in _YAML:
        return kind_of(subject)
    if subject in shipped("robots"):
        return "robots"
    try:
        find_policy(subject)
    except UserError:
        return next((kind for kind in ("tasks", "experiments") if subject in shipped(kind)), "")
    return ""
