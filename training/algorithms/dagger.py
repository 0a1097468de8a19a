"""DAgger (Ross, Gordon & Bagnell 2011, "A reduction of imitation learning … to no-regret online learning")."""

import time
from typing import Any, Final

import torch
from torch import Tensor

from sim2real.configs.errors import ConfigError
from sim2real.configs.schema.imitation import DaggerConfig
from sim2real.training.algorithms.interface import Metrics
from sim2real.training.device import from_array, placed, to_array
from sim2real.training.environment_interface import Environment
from sim2real.training.imitation import Imitator
from sim2real.training.labelled_steps import LabelledSteps
from sim2real.training.memory import State, forgotten
from sim2real.training.teacher import Teacher


class Dagger(Imitator):
    """The student's states, the teacher's actions: a teacher is distilled into a student.

        π_i = β_i·π* + (1 − β_i)·π̂_i           in every state, one of the two acts
        D ← D ∪ {(o, π*(o)) : o met by π_i}     whoever acts, the label is the teacher's
        min_θ E_{(o, a*) ~ D} ‖π_θ(o) − a*‖² / A

    With an error ε on the states that the student itself meets, its cost is above the teacher's by O(T·ε), not O(T²·ε)
    as a clone's (theorem 2.2). The paper asks for a mean of β_i that vanishes; here β falls linearly from 1 to 0
    over the first `teacher_share` of the run. D holds the latest `buffer` steps.

    The student may be smaller than the teacher, or have a memory; the teacher is asked in simulation alone, and may
    see there what the student does not: the privileged values (Chen et al. 2019, "Learning by cheating").
    """

    def __init__(self, config: DaggerConfig, environment: Environment, seed: int) -> None:
        super().__init__(config, environment, seed)
        self.config: Final = config
        self._environment: Final = environment
        self._teacher: Final = Teacher.load(config.teacher, environment)
        n, observed = environment.num_envs, environment.observation_size
        if config.buffer < n * config.rollout_steps:
            raise ConfigError(
                f"algorithm.buffer: {config.buffer} control steps; an iteration has {n * config.rollout_steps} "
                f"({config.rollout_steps} rollout_steps of {n} environments); valid: that or more"
            )
        self.steps: Final = LabelledSteps(config.buffer // n, n, observed, environment.action_size)
        """D: what was met, with the teacher's actions."""
        self._raw: Final = torch.zeros(n, observed)  # on the processor, where the teacher is
        self._begins = torch.ones(n, dtype=torch.bool)
        self._state: State = self._policy.memory.initial(n)

    def start(self, seed: int) -> None:
        """Start the first episodes, with random ages, so that environments are in different phases of the task."""
        self._raw.copy_(torch.from_numpy(self._environment.reset_arrays(seed)))
        self._environment.stagger()
        self._begins.fill_(value=True)
        self._state = self._policy.memory.initial(self._environment.num_envs)
        self._teacher.forget()

    def iterate(self, progress: float) -> tuple[int, Metrics]:
        """Step every environment `rollout_steps` times, then fit the student to all that is stored."""
        config, begin, share = self.config, time.perf_counter(), self.acting_share(progress)
        gaps = [self._step(share) for _ in range(config.rollout_steps)]
        middle = time.perf_counter()
        metrics = self.fit(self.steps, config.updates, progress)
        metrics |= {
            "teacher/acting_share": share,
            "teacher/disagreement": float(torch.stack(gaps).mean()),
            "time/collect_s": middle - begin,
            "time/learn_s": time.perf_counter() - middle,
        }
        return config.rollout_steps * self._environment.num_envs, metrics

    def acting_share(self, progress: float) -> float:
        """Return β, the probability with which the teacher acts, at a share of the run."""
        whole = self.config.teacher_share
        return max(0.0, 1.0 - progress / whole) if whole > 0.0 else 0.0

    @torch.no_grad()
    def _step(self, acting_share: float) -> Tensor:
        """Take one step in every environment; return the mean squared difference of the two policies' actions."""
        raw, policy = placed(self._raw), self._policy
        label = from_array(self._teacher(self._raw.numpy(), self._environment.privileged))
        if first := len(self.steps) == 0:
            policy.normalizer.update(raw)  # before it acts: without moments it would see numbers of any size
        action, state = policy(raw, self._state)
        action = action.clamp(-1.0, 1.0)
        teaches = placed(torch.rand(len(raw), 1, generator=self._generator)) < acting_share
        transition = self._environment.step_arrays(to_array(torch.where(teaches, label, action)))
        ended = torch.from_numpy(transition.terminated | transition.truncated)
        kept = torch.ones(len(raw), dtype=torch.bool)
        if transition.skipped is not None:
            kept = ~torch.from_numpy(transition.skipped)
            ended = ended | ~kept
        self.steps.add(raw, label, self._begins, kept)
        if kept.any() and not first:
            policy.normalizer.update(raw[placed(kept)])
        self._begins, self._state = ended, forgotten(state, placed(ended))
        self._teacher.forget(ended.numpy())
        self._raw.copy_(torch.from_numpy(transition.observation))
        gap: Tensor = (action - label).square().mean()
        return gap

    def state(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit, with all that was met."""
        return super().state() | {
            "raw": self._raw.clone(),
            "begins": self._begins.clone(),
            "policy_state": [part.clone() for part in self._state],
            "steps": self.steps.state(),
            "teacher": self._teacher.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned. Raises UserError if the teacher is another one now."""
        self._teacher.restore(state["teacher"])
        super().restore(state)
        self._raw.copy_(state["raw"])
        self._begins = state["begins"].clone()
        self._state = tuple(placed(part.clone()) for part in state["policy_state"])
        self.steps.restore(state["steps"])
