"""Vector environments whose every number says where it is from: to see what a learner is told of them."""

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode, SyncVectorEnv

LENGTHS = (3, 5, 4)
"""Control steps of the episodes of each environment; those of odd index end terminated, the others truncated."""


class CountingEnv(gymnasium.Env):
    """Observes (environment, episode, step), pays 100·episode + step, and ends after a fixed number of steps."""

    def __init__(self, index=0, length=3, *, shape=(3,), dtype=np.float64, action=None):
        self.index, self.length, self.episode, self.step_count = index, length, -1, 0
        self.observation_space = Box(0, 100, shape, dtype)
        self.action_space = Box(-2.0, 6.0, (2,), np.float32) if action is None else action
        self.seen = []

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.episode, self.step_count = self.episode + 1, 0
        return self._observe(), {}

    def step(self, action):
        assert self.action_space.contains(action), action
        self.seen.append(np.array(action))
        self.step_count += 1
        ended = self.step_count == self.length
        odd = bool(self.index % 2)
        reward = 100.0 * self.episode + self.step_count
        return self._observe(), reward, ended and odd, ended and not odd, {"is_success": ended and odd, "paid": reward}

    def _observe(self):
        values = np.array([self.index, self.episode, self.step_count], self.observation_space.dtype)
        return np.resize(values, self.observation_space.shape)


def counting(mode, lengths=LENGTHS, *, kind=SyncVectorEnv, **options):
    """Return a vector environment of one autoreset mode."""
    makers = [lambda i=i, n=n: CountingEnv(i, n, **options) for i, n in enumerate(lengths)]
    return kind(makers, autoreset_mode=AutoresetMode[mode])
