"""SAC with memory: actor and critics remember the episode, and learn from sequences of the replay buffer.

As in R2D2 (Kapturowski et al. 2019), a sequence begins with what the networks remembered when it was collected. Its
first `burn_in` steps only bring that up to the present weights; the `sequence_length` steps after them are learned
from. At the end of an episode within it the memory is zero, exactly, and the successor of its last step is the final
observation, remembered with that episode. The critics share a memory of their own, of what critics see; its gradients
are those of their loss alone.

With a mirror half of the sequences are images, episodes of their own: what the networks remember of the image of every
episode is carried and stored beside what they remember of the episode.
"""

from typing import Any, Final

import torch
from torch import Tensor

from sim2real.configs.errors import ConfigError
from sim2real.configs.schema.off_policy import SacConfig
from sim2real.training import team
from sim2real.training.algorithms.sac import Sac, Seen
from sim2real.training.device import placed
from sim2real.training.environment_interface import Environment, Floats, Transition, budgets_of
from sim2real.training.memory import Memory, State, forgotten
from sim2real.training.off_policy_learner import Figures
from sim2real.training.replay_buffer import ReplayBuffer
from sim2real.training.sequence_replay import SequenceReplay, Sequences


class RecurrentSac(Sac):
    """SAC of networks with memory, bound to an environment."""

    def __init__(self, config: SacConfig, environment: Environment, seed: int) -> None:
        unfit = {
            "n_step": config.n_step != 1,
            "value_network": config.value_network,
            "normalized_critic": config.normalized_critic is not None,
        }
        for name in (name for name, found in unfit.items() if found):
            raise ConfigError(f"algorithm.{name}: not with algorithm.memory; valid: its default")
        if team.size() > 1:
            raise ConfigError(f"algorithm.memory: 'sac' with memory learns in one process, not in {team.size()}")
        if config.lagrange is not None and budgets_of(environment):
            raise ConfigError("algorithm.memory: 'sac' with memory keeps no cost to its budget; valid: null")
        super().__init__(config, environment, seed)
        n = environment.num_envs
        self._length: Final = config.burn_in + config.sequence_length
        self._count: Final = max(config.batch // config.sequence_length, 1)
        if config.buffer < n * self._length:
            raise ConfigError(
                f"algorithm.buffer: {config.buffer} transitions are less than one sequence of {self._length} steps of "
                f"{n} environments; valid: {n * self._length} or more"
            )
        if self._mirror is not None and self._count < 2:
            raise ConfigError(
                f"algorithm.batch: {config.batch} is one sequence of {config.sequence_length} steps, which has no half "
                f"to be mirrored; valid: {2 * config.sequence_length} or more"
            )
        once = self._policy.memory, self.critic.memory
        self._memories: Final = once if self._mirror is None else once + once
        shapes = tuple(memory.shapes for memory in self._memories)
        self._sequences: Final = SequenceReplay(config.buffer, n, self._inputs, environment.action_size, shapes)
        self._states = self._forgotten_all()

    def start(self, seed: int) -> None:
        """Start the first episodes, with nothing to remember."""
        super().start(seed)
        self._states = self._forgotten_all()

    def state(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit."""
        remembered = [[part.clone() for part in state] for state in self._states]
        return super().state() | {"replay": self._sequences.state(), "remembered": remembered}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        super().restore(state)
        self._states = tuple(tuple(placed(part.clone()) for part in parts) for parts in state["remembered"])

    def _make_replay(self, capacity: int, inputs: int, action_size: int, costs: int) -> ReplayBuffer:
        """Return a buffer of a single row: steps are stored as sequences instead."""
        return ReplayBuffer(1, inputs, action_size)

    def _forgotten_all(self) -> tuple[State, ...]:
        return tuple(memory.initial(self._environment.num_envs) for memory in self._memories)

    def _remember(self) -> tuple[State, ...]:
        """Return what is remembered after the present step: actor, critics, and both of the image."""
        rows = self._normalizer(placed(self._raw))
        seen = (rows,) if self._mirror is None else (rows, self._mirror.rows(rows))
        views = [view for each in seen for view in (self._normalizer.parts(each)[0], each)]
        steps = zip(self._memories, views, self._states, strict=True)
        return tuple(memory.step(view, state)[1] for memory, view, state in steps)

    def _explore(self, normalized: Tensor) -> Floats:
        remembered, _ = self._policy.memory.step(normalized, self._states[0])
        return self._acted(remembered)

    def _keep(self, action: Floats, transition: Transition) -> None:
        """Store the step, and what the networks remember after it."""
        remembered = self._remember()
        terminated, truncated = torch.from_numpy(transition.terminated), torch.from_numpy(transition.truncated)
        kept = torch.ones_like(terminated)
        if transition.skipped is not None:
            kept = torch.from_numpy(~transition.skipped)
        ended = terminated | truncated | ~kept
        finals = (torch.from_numpy(transition.final_observation), torch.from_numpy(transition.final_privileged))
        discount = self.config.discount * ~terminated
        reward = torch.from_numpy(transition.reward)
        parts = [self._raw, torch.from_numpy(action), reward, discount, torch.cat(finals, dim=-1), ended, kept]
        self._sequences.add(parts, self._states)
        self._states = tuple(forgotten(state, placed(ended)) for state in remembered)

    def _stored(self) -> bool:
        return len(self._sequences) >= self._length

    def _restore_replay(self, state: dict[str, Any]) -> None:
        self._sequences.restore(state)

    def _learn(self) -> Figures:
        self.updates += 1
        drawn = self._sequences.sample(self._count, self._length, self._generator)
        if self._mirror is not None:
            self._mirror.reflect_sequences(drawn)
        inputs, next_inputs = self._normalizer(drawn.inputs), self._normalizer(drawn.next_inputs)
        observation, next_observation = (self._normalizer.parts(rows)[0] for rows in (inputs, next_inputs))
        actor_state, critic_state = drawn.states[:2]
        actor, next_actor = self._remembered(self._policy.memory, observation, next_observation, actor_state, drawn)
        critic, _ = self._remembered(self.critic.memory, inputs, next_inputs, critic_state, drawn)
        with torch.no_grad():
            memory = self.target_critic.memory
            _, next_critic = self._remembered(memory, inputs, next_inputs, critic_state, drawn)
        learned = drawn.part(self.config.burn_in)
        kept = learned.kept.flatten()
        rows = (actor, critic, next_actor.detach(), next_critic)
        seen = Seen(*(each.flatten(0, 1)[kept] for each in rows))
        columns = (learned.action.flatten(0, 1), learned.reward.flatten(), learned.discount.flatten())
        action, reward, discount = (column[kept] for column in columns)
        return self._improve(action, reward, discount, seen)

    def _remembered(
        self, memory: Memory, rows: Tensor, next_rows: Tensor, state: State, drawn: Sequences
    ) -> tuple[Tensor, Tensor]:
        """Return rows with a memory's output, (T, B, W), before and after each step that is learned from."""
        begin = self.config.burn_in
        if begin:
            with torch.no_grad():
                _, states = memory(rows[:begin], state, drawn.ended[:begin])
                state = forgotten(tuple(part[-1] for part in states), drawn.ended[begin - 1])
        remembered, states = memory(rows[begin:], state, drawn.ended[begin:])
        after = next_rows[begin:]
        following, _ = memory.step(after.flatten(0, 1), tuple(part.flatten(0, 1) for part in states))
        return remembered, following.view(*after.shape[:2], -1)
