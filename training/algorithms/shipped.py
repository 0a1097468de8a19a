"""The shipped algorithms, each an entry point as anybody's."""

from typing import TYPE_CHECKING, Final

from sim2real.configs.schema.algorithm import PpoConfig
from sim2real.configs.schema.off_policy import DdpgConfig, SacConfig, Td3Config
from sim2real.training.algorithms.kind import AlgorithmKind

if TYPE_CHECKING:
    from sim2real.training.algorithms.interface import Algorithm
    from sim2real.training.environment_interface import Environment


def _ppo(config: PpoConfig, environment: "Environment", seed: int) -> "Algorithm":
    from sim2real.training.algorithms.ppo import Ppo

    return Ppo(config, environment, seed)


def _sac(config: SacConfig, environment: "Environment", seed: int) -> "Algorithm":
    from sim2real.training.algorithms.sac import Sac

    return Sac(config, environment, seed)


def _ddpg(config: DdpgConfig, environment: "Environment", seed: int) -> "Algorithm":
    from sim2real.training.algorithms.ddpg import Ddpg

    return Ddpg(config, environment, seed)


def _td3(config: Td3Config, environment: "Environment", seed: int) -> "Algorithm":
    from sim2real.training.algorithms.td3 import Td3

    return Td3(config, environment, seed)


PPO: Final = AlgorithmKind(PpoConfig, squashed=False, make=_ppo)
SAC: Final = AlgorithmKind(SacConfig, squashed=True, make=_sac)
DDPG: Final = AlgorithmKind(DdpgConfig, squashed=True, make=_ddpg)
TD3: Final = AlgorithmKind(Td3Config, squashed=True, make=_td3)
