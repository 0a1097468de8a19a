"""Demonstrations from the log of a run: every tick in which the policy ran, with what it saw and answered."""

from pathlib import Path

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.runtime.log import read_log
from sim2real.runtime.tick_fields import FIELD, array_of
from sim2real.training.demonstrations.demonstrations import Demonstrations


def read_run(path: Path) -> tuple[Demonstrations, tuple[Path, ...]]:
    """Read the log of a run and the parts that follow it.

    An episode begins where the policy's memory and the contract's pipelines were reset.

    Returns:
        The demonstrations, and the files that were read.

    Raises:
        UserError: It is no log, is cut off or damaged, or the policy never ran; also as `Demonstrations`.
    """
    log = read_log(path)
    if not log.complete:
        raise UserError(
            f"{path}: cut off or damaged after {len(log.ticks)} ticks: how the run ended is not known; valid: a log "
            "that was closed"
        )
    ran = np.array([bool(tick["ran"]) for tick in log.ticks], np.bool_)
    ticks = [tick for tick in log.ticks if tick["ran"]]
    if not ticks:
        raise UserError(f"{path}: the policy never ran in this log: there is nothing to learn from")
    observation, action = (array_of(FIELD[name], [tick[name] for tick in ticks]) for name in ("observation", "action"))
    # Resets before each tick in which it ran: a loop may have ticks of its own between those of the policy.
    resets = np.cumsum([bool(tick["reset"]) for tick in log.ticks])[ran]
    begins = np.diff(resets, prepend=-1) > 0
    return Demonstrations(str(path), observation, action, begins, log.contract), log.files
