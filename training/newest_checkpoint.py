"""The newest checkpoint of a run that can be read."""

from pathlib import Path

from sim2real.configs.command_outcome import error_console
from sim2real.configs.errors import UserError
from sim2real.training.checkpoint import Checkpoint, load_checkpoint
from sim2real.training.finite import require_finite, tensors_of
from sim2real.training.run_folder import RunFolder


def newest_checkpoint(folder: Path) -> Checkpoint:
    """Return the newest checkpoint of a run; where it is cut off, the one before, which standard error then names.

    Args:
        folder: The run.

    Raises:
        UserError: It is not a run, it has no checkpoint that can be read, or the policy in it is not finite.
    """
    run = RunFolder.open(folder)
    damaged: list[str] = []
    for path in reversed(run.all_checkpoints()):
        try:
            checkpoint = load_checkpoint(path)
        except UserError as error:
            damaged.append(str(error))
            continue
        for each in damaged:
            error_console().print(f"warning: {each}; going back to {path}", markup=False)
        _check_policy(checkpoint, path)
        return checkpoint
    raise UserError(damaged[0] if damaged else f"{folder}: has no checkpoint yet; begin the run again")


def _check_policy(checkpoint: Checkpoint, path: Path) -> None:
    """Refuse a policy that is not finite: it acts on nothing."""
    try:
        require_finite(dict(tensors_of(checkpoint.policy, "policy")))
    except UserError as error:
        raise type(error)(f"{path}: {error}; train again, with a lower algorithm.learning_rate") from error
