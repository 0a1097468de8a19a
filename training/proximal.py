"""Base of both forms of PPO: several epochs of minibatches over each rollout (Schulman et al. 2017, algorithm 1)."""

from abc import abstractmethod
from functools import partial
from itertools import chain
from typing import Any, ClassVar, Final

import torch
from torch import Tensor, nn

from sim2real.configs.schema.algorithm import ProximalConfig
from sim2real.training import team
from sim2real.training.action_distribution import ActionDistribution
from sim2real.training.algorithms.interface import Metrics
from sim2real.training.algorithms.ppo_loss import adapted_rate, value_loss
from sim2real.training.anchor import Anchor
from sim2real.training.cost_critics import CostCritics
from sim2real.training.device import here
from sim2real.training.environment_interface import Environment, budgets_of
from sim2real.training.lagrange import Lagrange
from sim2real.training.mirrored_memory import MirroredMemory
from sim2real.training.on_policy import OnPolicy, Stateful
from sim2real.training.rollout import Minibatch, check_minibatches, standardized
from sim2real.training.symmetry import Mirror, mirror_of
from sim2real.training.value_function import rollout_fit

ADAM_EPS: Final = 1e-5
"""Added to the root of Adam's second moment, as in the authors' code; torch's own is 1e-8."""


class Proximal(OnPolicy):
    """Several epochs of minibatches over each rollout, on a surrogate that keeps the policy near that of the rollout.

        max_θ E[surrogate(r, A)] + w·entropy,   r = π_θ(a|s) / π_old(a|s)
        min_φ ½·E[(V_φ − target)²]

    Costs with budgets are kept by multipliers, which combine their advantages with that of the reward; see `Lagrange`.

    With memory, a mini-batch has whole environments. Gradients go back to the first step of the rollout or of an
    episode in it, whichever is later; the state before the rollout is the one that was there while it was collected.
    """

    figure: ClassVar[str]
    """Name of the surrogate's figure in the log."""
    penalizes: ClassVar[bool] = False
    """Whether the surrogate has a gradient of the divergence."""

    def __init__(self, config: ProximalConfig, environment: Environment, seed: int) -> None:
        memory = config.memory is not None
        mirror = mirror_of(environment, wanted=config.symmetry != "none")
        super().__init__(config, environment, seed, mirror=mirror)
        check_minibatches(config.minibatches, self.rollout, sequences=memory)
        self._proximal: Final = config
        self._mirror: Final = mirror
        self._images: Final = (
            MirroredMemory(mirror, self._policy.memory, self.value.memory, environment.num_envs)
            if mirror is not None and memory
            else None
        )
        budgets = budgets_of(environment)
        self.lagrange: Final = Lagrange(config.lagrange, budgets) if config.lagrange is not None and budgets else None
        """Multipliers of the costs; None without any."""
        self._cost_critics: Final = (
            CostCritics(config, self.rollout, self._generator, self._normalizer, self._second_thread)
            if self.lagrange is not None
            else None
        )
        self._parameters: Final = list(
            chain(
                self._policy.parameters(),
                self.value.parameters(),
                self.distribution.parameters(),
                () if self._cost_critics is None else self._cost_critics.parameters(),
            )
        )
        self._optimizer: Final = self._make_optimizer()
        self._rate_min, self._rate_max = config.learning_rate_range
        self._rollouts = 0
        self._anchor: Final = None if config.anchor is None else Anchor(config.anchor, self._policy, self.distribution)
        self._anchor_weight = 0.0

    @abstractmethod
    def surrogate(
        self, log_prob: Tensor, old_log_prob: Tensor, advantage: Tensor, divergence: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the loss of the policy, and a figure for the log.

        Args:
            log_prob: log π(a|s), (k,).
            old_log_prob: log π_old(a|s), (k,).
            advantage: A, (k,), standardised over the rollout.
            divergence: E[KL(π_old ‖ π)]; with a gradient if `penalizes`.
        """

    def _make_optimizer(self) -> torch.optim.Adam:
        """Return the optimizer of all parameters."""
        # Fused Adam: one kernel call for all parameters of these small networks.
        return torch.optim.Adam(self._parameters, lr=self._proximal.learning_rate, eps=ADAM_EPS, fused=True)

    def start(self, seed: int) -> None:
        """Start the first episodes, and their images; before the first rollout an anchor takes the policy."""
        if self._anchor is not None and not self._rollouts:
            self._anchor.take(self._policy, self.distribution)
        super().start(seed)
        if self._images is not None:
            self._images.forget()

    def collect(self) -> None:
        """Fill the rollout with steps of all environments, and follow their images."""
        super().collect()
        if self._images is not None:
            self._images.follow(self.rollout)

    def _parts(self) -> dict[str, Stateful]:
        parts: dict[str, Stateful] = super()._parts() | {"optimizer": self._optimizer}
        if self._images is not None:
            parts["images"] = self._images
        if self.lagrange is not None and self._cost_critics is not None:
            parts |= {"lagrange": self.lagrange, "cost_critics": self._cost_critics}
        if self._anchor is not None:
            parts["anchor"] = self._anchor
        return parts

    def _learn(self, progress: float) -> Metrics:
        config, rollout = self._proximal, self.rollout
        self._rollouts += 1
        # Annealing: late in the run only small steps are allowed, so that the final policy has converged.
        self._rate_max = max(config.learning_rate_range[1] * (1.0 - progress), self._rate_min)
        old = self.distribution.frozen()
        old_log_prob = old.log_prob(rollout.output, rollout.action)
        held = self._held(progress)
        figures: list[Tensor] = []
        explained = 0.0
        if self.lagrange is not None:
            self.lagrange.update(rollout.steps_of(rollout.costs.flatten(0, 1)))
        for epoch in range(config.epochs):
            if epoch == 0 or config.recompute_advantages:
                advantage, target = self.targets(first=epoch == 0)
                if epoch == 0:
                    explained = rollout_fit(advantage, target, rollout)
                goal = self._values.outputs(target)
                advantage, cost_goals = self._constrained(standardized(advantage, rollout), first=epoch == 0)
            columns = (rollout.action, rollout.output, *held, old_log_prob, advantage, goal, *cost_goals)
            sequences = self._policy.memory.recurrent
            batches = rollout.minibatches(columns, config.minibatches, self._generator, sequences=sequences)
            if self._mirror is not None and config.symmetry == "data":
                batches = map(partial(self._mirror.doubled, acted=2 + len(held)), batches)
            figures.extend(self._update(old, batch, first=epoch == done == 0) for done, batch in enumerate(batches))
        means = team.summed(torch.stack(figures).mean(0)).tolist()
        surrogate, fit, cost_fit, figure, divergence, asymmetry, moved, norm = means
        return {
            **({"policy/kl_of_anchor": moved, "policy/anchor_weight": self._anchor_weight} if held else {}),
            **({"loss/symmetry": asymmetry} if config.symmetry == "loss" else {}),
            **({"loss/cost_values": cost_fit, **self.lagrange.figures()} if self.lagrange is not None else {}),
            "loss/surrogate": surrogate,
            "loss/value": fit,
            "gradient_norm": norm,
            self.figure: figure,
            "policy/kl": divergence,
            "value/explained_variance": explained,
            "learning_rate": self._rate,
        }

    def _held(self, progress: float) -> tuple[Tensor, ...]:
        """Set the weight of the anchor; return its outputs in the rollout, (T, n, A), while it holds."""
        if self._anchor is None:
            return ()
        self._anchor_weight = self._anchor.weight(progress)
        raw = self.rollout.raw[..., : self.rollout.observation.shape[-1]]
        return (self._anchor.outputs(raw),) if self._anchor_weight > 0.0 else ()

    def _constrained(self, advantage: Tensor, *, first: bool) -> tuple[Tensor, list[Tensor]]:
        """Return the advantage of the Lagrangian, (T, n), and the goals of the costs' values, (T, n) each."""
        if self.lagrange is None or self._cost_critics is None:
            return advantage, []
        advantages, goals = self._cost_critics.targets(self.rollout, self.estimator, first=first)
        return self.lagrange.combined(advantage, advantages), goals

    def _update(self, old: ActionDistribution, batch: Minibatch, *, first: bool) -> Tensor:
        """Take one gradient step on a mini-batch, the first one since the rollout or a later one.

        Returns:
            Surrogate loss, value losses of reward and of costs, the surrogate's figure, KL, asymmetry, the anchor's
            KL, and norm of the gradient before it is clipped, (8,).
        """
        config = self._proximal
        self._optimizer.zero_grad()
        figures = self.gradients(old, batch) if batch.share > 0.0 else torch.zeros(7, device=here())
        figures = figures * batch.share
        # Before the first step the policy is that of the rollout: its divergence of zero says nothing about the rate.
        if not first and self._improves:
            self._adapt(figures[4])
        team.sum_gradients(self._parameters)
        norm = nn.utils.clip_grad_norm_(self._parameters, config.gradient_norm_max)
        self._optimizer.step()
        self._bound_std()
        return torch.cat((figures, norm.detach().unsqueeze(0) / team.size()))

    def _adapt(self, divergence: Tensor) -> None:
        """Let the learning rate follow this process' part of a divergence, if it is to."""
        if self._proximal.target_kl is not None:
            rates = self._rate_min, self._rate_max
            self._rate = adapted_rate(self._rate, float(team.summed(divergence)), self._proximal.target_kl, *rates)

    def gradients(self, old: ActionDistribution, batch: Minibatch) -> Tensor:
        """Compute this process' part of the gradients on a mini-batch; return its means of the figures, (7,)."""
        config = self._proximal
        action, old_output, *rest = batch.columns
        held = rest.pop(0) if self._anchor_weight > 0.0 else None
        old_log_prob, advantage, *goals = rest
        # The two networks share no weights: their gradients are computed on two threads.
        fitting = self._second_thread.submit(self._fit_values, batch, goals)
        observation, _ = self._normalizer.parts(batch.inputs)
        remembered, _ = self._policy.memory(observation, batch.policy_state, batch.ended)
        output = batch.steps_of(self._policy.mean(remembered))
        with torch.set_grad_enabled(self.penalizes):
            divergence = self.distribution.divergence(old, old_output, output).mean()
        log_prob = self.distribution.log_prob(output, action)
        surrogate, figure = self.surrogate(log_prob, old_log_prob, advantage, divergence)
        loss, asymmetry = surrogate - config.entropy_weight * self.distribution.entropy(output), log_prob.new_zeros(())
        if self._mirror is not None and config.symmetry == "loss":
            asymmetry = self.asymmetry(self._mirror, observation, output, batch)
            loss = loss + config.symmetry_weight * asymmetry
        moved = log_prob.new_zeros(())
        if self._anchor is not None and held is not None:
            moved = self._anchor.divergence(held, self.distribution, output)
            loss = loss + self._anchor_weight * moved
        if self._improves:
            torch.autograd.backward(loss * batch.share)
        ours = (figure, divergence, asymmetry, moved)
        return torch.stack((surrogate.detach(), *fitting.result(), *(each.detach() for each in ours)))

    def asymmetry(self, mirror: Mirror, observation: Tensor, output: Tensor, batch: Minibatch) -> Tensor:
        """Return E‖μ(M s) − M μ(s)‖² of normalised observations, (k, O) or (T, m, O), with outputs, (k, A).

        Yu et al. 2018, equation 4. With memory μ(M s) is that of the mirrored sequence, remembered by itself.
        """
        state, _ = batch.image_states
        remembered, _ = self._policy.memory(mirror.rows(observation), state, batch.ended)
        image = batch.steps_of(self._policy.mean(remembered))
        return (image - mirror.actions(output)).square().sum(-1).mean()

    def _fit_values(self, batch: Minibatch, goals: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Compute the gradients of the value networks; return the losses of that of the reward, and of the costs'."""
        goal, *cost_goals = goals
        value, _ = self.value(batch.inputs, batch.value_state, batch.ended)
        fit = value_loss(batch.steps_of(value), goal)
        loss, cost_fit = fit, fit.new_zeros(())
        if self._cost_critics is not None:
            cost_fit = self._cost_critics.loss(batch, cost_goals)
            loss = fit + cost_fit
        torch.autograd.backward(self._proximal.value_weight * loss * batch.share)
        return fit.detach(), cost_fit.detach()

    def state(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit, with the number of rollouts."""
        return super().state() | {"rollouts": self._rollouts}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned; one of an earlier version learned with the policy from the start."""
        super().restore(state)
        self._rollouts = int(state.get("rollouts", self._proximal.value_first))

    @property
    def _improves(self) -> bool:
        """Whether the policy learns yet, not the values alone."""
        return self._rollouts > self._proximal.value_first

    @property
    def _rate(self) -> float:
        return float(self._optimizer.param_groups[0]["lr"])

    @_rate.setter
    def _rate(self, rate: float) -> None:
        self._optimizer.param_groups[0]["lr"] = rate
