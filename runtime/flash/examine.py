"""The dry run: loads a policy and runs it as the robot would, before it may be installed."""

import time
from pathlib import Path
from typing import Final

import numpy as np

from sim2real.configs.schema.robot import RobotConfig
from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.flash.manifest import FlashError
from sim2real.runtime.flash.sweep import sweep

_ATTEMPTS: Final = 5
"""An action is too slow if it is so each time: once may be another process that was at work."""

_SWEEP_S: Final = 60.0
"""Limit of the whole dry run, s: some hundred runs, each of less than a control period."""


def examine(policy: Path, robot: RobotConfig) -> tuple[Contract, dict[str, str]]:
    """Load a policy, compare its contract with the robot, and run it on inputs from all over their ranges.

    Returns:
        The policy's contract and provenance.

    Raises:
        UserError: The file is no policy, its shapes are not the contract's, it is for another robot (field by field),
            its actions are not finite, or one takes longer here than the policy's period.
    """
    from sim2real.runtime.policy import (  # onnxruntime is slow to load, and `status` does without it
        OnnxPolicy,
        check_robot,
    )

    loaded = OnnxPolicy(policy)
    contract = loaded.contract
    check_robot(contract, robot)
    period_s = 1.0 / contract.control_rate
    with loaded.limited(_SWEEP_S):
        for place, observation in sweep(contract):
            for _ in range(_ATTEMPTS):
                begun = time.perf_counter()
                try:
                    action = loaded.act(observation)
                except Exception as error:  # onnxruntime's exceptions have no common base
                    raise FlashError(f"{policy}: does not run {place}: {type(error).__name__}") from error
                taken_s = time.perf_counter() - begun
                if not np.isfinite(action).all():
                    raise FlashError(f"{policy}: gives an action that is not finite {place}")
                if taken_s < period_s:
                    break
            else:
                raise FlashError(
                    f"{policy}: takes {taken_s * 1e3:.3g} ms for an action {place} on this machine, its period is "
                    f"{period_s * 1e3:.3g} ms"
                )
    return contract, dict(loaded.provenance)
