"""Schema of the algorithms that learn from what another policy or a person did: cloning and distillation."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim2real.configs.schema.algorithm import Activation, AlgorithmConfig, Hidden
from sim2real.configs.schema.base import MisplacedError
from sim2real.configs.schema.lerobot import LerobotConfig
from sim2real.configs.schema.quantity import Positive


class ImitationConfig(AlgorithmConfig):
    """What every imitation learner says: its network, and how it is fitted to the actions that it is shown."""

    hidden: Hidden = (128, 128)
    """Widths of the policy's hidden layers."""
    activation: Activation = "elu"
    """Activation function of the hidden layers."""
    squash: bool = False
    """Whether the policy applies tanh to its actions, as those of SAC, TD3 and DDPG do; a run of one of these begins
    with `--init-from` from a policy that does, a run of PPO from one that does not."""
    batch: Annotated[int, Field(ge=2, le=65536)] = 256
    """Control steps per gradient update; with memory in whole sequences."""
    learning_rate: Annotated[float, Positive] = 1e-3
    """Learning rate of Adam at first; it falls linearly to `final_learning_rate` over the run."""
    final_learning_rate: Annotated[float, Positive] = 1e-5
    """Learning rate at the end of the run."""
    gradient_norm_max: Annotated[float, Positive] = 1.0
    """Largest norm of a gradient; larger ones are scaled down."""
    sequence_length: Annotated[int, Field(ge=1, le=1024)] = 32
    """With memory: control steps of a sequence that are learned from."""
    burn_in: Annotated[int, Field(ge=0, le=1024)] = 16
    """With memory: control steps before them that only bring up to date what is remembered; none are needed after the
    start of an episode, where the memory is empty."""

    @model_validator(mode="after")
    def _check_rate(self) -> Self:
        if not self.final_learning_rate <= self.learning_rate:
            raise MisplacedError(
                ("final_learning_rate",), f"{self.final_learning_rate} is above learning_rate; valid: up to that"
            )
        return self


class BcConfig(ImitationConfig):
    """Behaviour cloning (Pomerleau 1989): regression from observations to the actions of demonstrations.

    The simulation is not stepped: control steps of the run are demonstrated ones that were learned from.
    """

    name: Literal["bc"]
    """Name of the algorithm."""
    demonstrations: Annotated[tuple[str, ...], Field(min_length=1, max_length=10_000)]
    """Logs of `sim2real run` (`.mcap`), arrays (`.npz`), folders of such, or LeRobot data sets; relative to the file
    that names them."""
    lerobot: LerobotConfig | None = None
    """Units and names of the joints in LeRobot data sets; required where there is one."""
    held_out: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.1
    """Share of the episodes, the last ones, that is not learned from and gives `loss/held_out`; none of a single
    episode."""
    updates: Annotated[int, Field(ge=1, le=100_000)] = 100
    """Gradient updates per iteration, which is a row of metrics; does not affect what is learned."""


class DaggerConfig(ImitationConfig):
    """DAgger (Ross et al. 2011): a student acts, a teacher says what it would have done, and all of it is learned."""

    name: Literal["dagger"]
    """Name of the algorithm."""
    teacher: Annotated[str, Field(min_length=1)]
    """Policy to learn from: a shipped one, a run, or an ONNX file; a path is relative to the file that names it."""
    rollout_steps: Annotated[int, Field(ge=1, le=4096)] = 16
    """Control steps of every environment per iteration."""
    updates: Annotated[int, Field(ge=1, le=100_000)] = 32
    """Gradient updates after them."""
    buffer: Annotated[int, Field(ge=2, le=100_000_000)] = 500_000
    """Control steps that are kept; the oldest are dropped first. The paper keeps all; early ones are of a student that
    no longer exists."""
    teacher_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.1
    """Share of the run over which the teacher acts in the student's place: with probability β at each step and robot,
    which falls linearly from 1 to 0. 0: the student acts from the start."""
