"""Laws of the watch over learners: every weight, moment and loss of every algorithm must be finite."""

from copy import deepcopy

import numpy as np
import pytest
import torch

from sim2real.configs.errors import NonFiniteError
from sim2real.configs.schema.algorithm import PpoConfig
from sim2real.configs.schema.off_policy import SacConfig
from sim2real.training.algorithms import make_algorithm
from sim2real.training.learner_watch import LearnerWatch

PPO = PpoConfig(name="ppo", rollout_steps=8, minibatches=2, hidden=(16,))
SAC = SacConfig(name="sac", batch=32, buffer=512, warmup=64, iteration_steps=6, hidden=(16,))
DATA = {"raw", "observation", "replay"}
"""What of a learner's state is data of the environment: the watch over the environment has seen it already."""


def leaves(value, path=()):
    """Yield the paths to the floating-point tensors of a state."""
    if isinstance(value, torch.Tensor):
        if value.is_floating_point() and value.numel():
            yield path
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield from leaves(entry, (*path, key))


def poisoned(state, path, value):
    """Return a copy of a state in which one number is not finite."""
    copy = deepcopy(state)
    tensor = copy
    for key in path:
        tensor = tensor[key]
    tensor.reshape(-1)[-1] = value
    return copy


@pytest.fixture(params=[PPO, SAC], ids=["ppo", "sac"])
def learner(request, point_environment):
    environment = point_environment(16, gift=request.param is PPO)
    made = make_algorithm(request.param, environment, 1)
    made.start(1)
    for _ in range(2):
        made.iterate(0.0)
    return made


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_every_number_that_is_learned_is_watched(learner, value):
    watch = LearnerWatch(learner)
    watch.after_iteration({})
    state = deepcopy(learner.state())
    paths = list(leaves(state))
    learned = [path for path in paths if path[0] not in DATA]
    assert len(learned) > 12
    for path in learned:
        learner.restore(poisoned(state, path, value))
        with pytest.raises(NonFiniteError, match=f"is {value} in 1 of"):
            watch.after_iteration({})
    learner.restore(state)
    watch.after_iteration({})


def test_every_number_of_the_policy_is_watched_and_named(learner):
    state = deepcopy(learner.policy.state_dict())
    for name in state:
        learner.policy.load_state_dict(poisoned(state, (name,), np.nan))
        with pytest.raises(NonFiniteError, match=f"policy.{name} is nan in 1 of"):
            LearnerWatch(learner).after_iteration({})


def test_no_number_that_is_not_finite_gets_into_a_checkpoint(learner):
    state, policy, environment = learner.state(), learner.policy.state_dict(), {"x": np.zeros(3), "age": np.arange(3)}
    check = LearnerWatch.before_checkpoint
    check(policy, state, environment)
    for path in leaves(state):
        with pytest.raises(NonFiniteError, match=r"algorithm\." + r"\.".join(map(str, path))):
            check(policy, poisoned(state, path, np.nan), environment)
    for name in policy:
        with pytest.raises(NonFiniteError, match=f"policy.{name}"):
            check(poisoned(policy, (name,), np.inf), state, environment)
    with pytest.raises(NonFiniteError, match=r"environment\.x is nan in 1 of 3"):
        check(policy, state, {"x": np.array([0.0, np.nan, 1.0])})
    check(policy, state, {"metrics": [{"lowest": np.array([np.nan])}], "best": np.array([-np.inf])})


def test_a_loss_must_be_finite_and_a_figure_without_anything_to_measure_need_not(learner):
    watch = LearnerWatch(learner)
    watch.after_iteration({"loss/critic": 0.5, "value/explained_variance": float("nan")})
    for name in ("loss/critic", "actor_loss"):
        with pytest.raises(NonFiniteError, match=f"{name} is nan"):
            watch.after_iteration({name: float("nan")})


class Stranger:
    """A learner from outside, which knows nothing of any watch."""

    def __init__(self, policy):
        self.policy = policy
        self.ensemble = [torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)]
        self.adam = {"one": torch.optim.Adam(self.ensemble[0].parameters())}
        self.data = torch.full((4,), torch.nan)  # a buffer that is not filled yet


def test_a_learner_from_outside_is_watched_without_doing_anything_for_it(learner):
    stranger = Stranger(learner.policy)
    watch = LearnerWatch(stranger)
    watch.after_iteration({})
    stranger.ensemble[0](torch.ones(1, 2)).sum().backward()
    stranger.adam["one"].step()
    watch.after_iteration({})
    moment = next(iter(stranger.adam["one"].state.values()))["exp_avg"]
    moment[0] = torch.inf
    with pytest.raises(NonFiniteError, match=r"adam\.one\.state\.0\.exp_avg is inf"):
        watch.after_iteration({})
    moment[0] = 0.0
    with torch.no_grad():
        stranger.ensemble[1].bias[0] = torch.nan
    with pytest.raises(NonFiniteError, match=r"ensemble\.1\.bias is nan in 1 of 2"):
        watch.after_iteration({})
