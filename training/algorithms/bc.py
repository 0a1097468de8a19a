"""Behaviour cloning (Pomerleau 1989, "ALVINN"): supervised learning of a policy from demonstrations."""

import time
from typing import Any, Final

import torch

from sim2real.configs.errors import UserError
from sim2real.configs.schema.imitation import BcConfig
from sim2real.runtime.contract.spec import Contract
from sim2real.training.algorithms.interface import Metrics
from sim2real.training.demonstrations.load import load_demonstrations
from sim2real.training.environment_interface import Environment
from sim2real.training.imitation import Imitator
from sim2real.training.labelled_steps import LabelledSteps

_HELD_OUT_SEED: Final = 0  # always the same steps, so that the loss on them can be compared
_HELD_OUT_BATCHES: Final = 8


class Bc(Imitator):
    """Regression from the observations of demonstrations to their actions.

        min_θ E_{(o, a*) ~ D} ‖π_θ(o) − a*‖² / A

    The environment is not stepped: it says what is observed and done. Observations are normalised by the moments of
    the demonstrations. These weigh as many steps as were learned from, so that another learner that begins from the
    clone, and adds its own steps, changes what the policy sees no faster than the policy can follow.

    A cloned policy makes errors, sees states that no demonstration shows, and errs more there: its cost grows with the
    square of the episode's length (Ross & Bagnell 2010). `dagger` does not have that, nor does a learner that begins
    from the clone.
    """

    def __init__(self, config: BcConfig, environment: Environment, seed: int) -> None:
        super().__init__(config, environment, seed)
        self.config: Final = config
        contract: Contract | None = getattr(environment, "contract", None)
        sizes = environment.observation_size, environment.action_size
        shown = load_demonstrations(config.demonstrations, contract, sizes, config.lerobot)
        learned, held_out = shown.split(config.held_out)
        self._digest: Final = shown.digest()
        self._steps: Final = LabelledSteps.of(learned)
        self._held_out: Final = None if held_out is None else LabelledSteps.of(held_out)

    def start(self, seed: int) -> None:
        """Take the moments of the observations."""
        self._policy.normalizer.update(self._steps.observations)

    def iterate(self, progress: float) -> tuple[int, Metrics]:
        """Update the policy `updates` times; return the demonstrated steps that were learned from, and metrics."""
        begin = time.perf_counter()
        metrics = self.fit(self._steps, self.config.updates, progress)
        learned = self.config.updates * self.batch_steps
        self._policy.normalizer.moments.count.add_(learned)
        if self._held_out is not None:
            with torch.no_grad():
                batch = self.draw(self._held_out, torch.Generator().manual_seed(_HELD_OUT_SEED), _HELD_OUT_BATCHES)
                metrics["loss/held_out"] = float(self.error(batch))
        metrics |= {"time/collect_s": 0.0, "time/learn_s": time.perf_counter() - begin}
        return learned, metrics

    def state(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit; of the demonstrations their digest alone."""
        return super().state() | {"demonstrations_sha256": self._digest}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned. Raises UserError if the demonstrations are others now."""
        if state["demonstrations_sha256"] != self._digest:
            raise UserError(
                f"algorithm.demonstrations: {', '.join(self.config.demonstrations)}: are others than those that the "
                "run began with; valid: the same"
            )
        super().restore(state)
