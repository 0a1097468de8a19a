"""The shipped algorithms, each an entry point as anybody's."""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from sim2real.configs.schema.algorithm import PpoConfig
from sim2real.configs.schema.black_box import CemConfig, CmaEsConfig, RepsConfig, RwrConfig
from sim2real.configs.schema.imitation import BcConfig, DaggerConfig
from sim2real.configs.schema.off_policy import DdpgConfig, DqnConfig, SacConfig, Td3Config
from sim2real.configs.schema.on_policy import (
    A2cConfig,
    ImportancePgConfig,
    NpgConfig,
    PpoPenaltyConfig,
    ReinforceConfig,
    TrpoConfig,
)
from sim2real.training.algorithms.kind import AlgorithmKind

if TYPE_CHECKING:
    from sim2real.training.algorithms.interface import Algorithm
    from sim2real.training.environment_interface import Environment


def _learner(module: str, name: str) -> "Callable[[Any, Environment, int], Algorithm]":
    """Return what makes a learner, a class of a module of this package, imported when the first one is made."""

    def make(config: Any, environment: "Environment", seed: int) -> "Algorithm":  # noqa: ANN401 - its own configuration
        found: Callable[..., Algorithm] = getattr(import_module(f"sim2real.training.algorithms.{module}"), name)
        return found(config, environment, seed)

    return make


PPO: Final = AlgorithmKind(
    PpoConfig,
    squashed=False,
    make=_learner("plain_ppo", "make_ppo"),
    recurrent=True,
    shared=True,
    constrained=True,
    choosing=True,
)
SAC: Final = AlgorithmKind(
    SacConfig,
    squashed=True,
    make=_learner("cross_q", "make_sac"),
    recurrent=True,
    shared=True,
    constrained=True,
)
DDPG: Final = AlgorithmKind(
    DdpgConfig, squashed=True, make=_learner("plain_deterministic", "PlainDdpg"), constrained=True
)
TD3: Final = AlgorithmKind(Td3Config, squashed=True, make=_learner("plain_deterministic", "PlainTd3"), constrained=True)
DQN: Final = AlgorithmKind(DqnConfig, squashed=False, make=_learner("dqn", "Dqn"), choosing=True, constrained=True)
REINFORCE: Final = AlgorithmKind(
    ReinforceConfig, squashed=False, make=_learner("reinforce", "Reinforce"), choosing=True
)
A2C: Final = AlgorithmKind(A2cConfig, squashed=False, make=_learner("a2c", "A2c"), choosing=True)
PPO_PENALTY: Final = AlgorithmKind(
    PpoPenaltyConfig, squashed=False, make=_learner("ppo_penalty", "PpoPenalty"), constrained=True, choosing=True
)
NPG: Final = AlgorithmKind(NpgConfig, squashed=False, make=_learner("npg", "Npg"), choosing=True)
TRPO: Final = AlgorithmKind(TrpoConfig, squashed=False, make=_learner("trpo", "Trpo"), choosing=True)
IMPORTANCE_PG: Final = AlgorithmKind(
    ImportancePgConfig, squashed=False, make=_learner("importance_pg", "ImportancePg"), choosing=True
)
CEM: Final = AlgorithmKind(CemConfig, squashed=False, make=_learner("cem", "Cem"))
CMA_ES: Final = AlgorithmKind(CmaEsConfig, squashed=False, make=_learner("cma_es", "CmaEs"))
RWR: Final = AlgorithmKind(RwrConfig, squashed=False, make=_learner("rwr", "Rwr"))
REPS: Final = AlgorithmKind(RepsConfig, squashed=False, make=_learner("reps", "Reps"))
BC: Final = AlgorithmKind(BcConfig, squashed=None, make=_learner("bc", "Bc"), recurrent=True)
DAGGER: Final = AlgorithmKind(DaggerConfig, squashed=None, make=_learner("dagger", "Dagger"), recurrent=True)
