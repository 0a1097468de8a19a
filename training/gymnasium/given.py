"""An environment that is given from Python: one that exists, or a function that makes one."""

from collections.abc import Callable
from typing import Any, Final

import gymnasium
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv

from sim2real.configs.errors import UserError
from sim2real.training.gymnasium.foreign_code import running

Made = VectorEnv[Any, Any, Any] | gymnasium.Env[Any, Any]


class GivenEnvironment:
    """A vector environment, or a function without arguments that makes one, or a single `gymnasium.Env`.

    Args:
        source: It.
    """

    def __init__(self, source: VectorEnv[Any, Any, Any] | Callable[[], Made]) -> None:
        self._source: Final = source

    @property
    def is_maker(self) -> bool:
        """Whether it can be made again."""
        return not isinstance(self._source, VectorEnv)

    @property
    def name(self) -> str:
        """Name of the environment, for the run: its id where it has one."""
        spec = getattr(self._source, "spec", None)
        found = getattr(spec, "id", None) or getattr(self._source, "__name__", None) or type(self._source).__name__
        return str(found)

    def vector(self, environments: int) -> VectorEnv[Any, Any, Any]:
        """Return the vector environment; of a function that makes single ones, `environments` of them in a row.

        Raises:
            UserError: The function fails, or what it makes is no environment.
        """
        if isinstance(self._source, VectorEnv):
            return self._source
        with running(self.name, "making it"):
            made = self._source()
        if isinstance(made, VectorEnv):
            return made
        if not isinstance(made, gymnasium.Env):
            raise UserError(
                f"{self._source!r} makes a {type(made).__name__}; valid: a function that makes a gymnasium.Env or a "
                "gymnasium.vector.VectorEnv"
            )
        makers: list[Any] = [lambda: made, *[self._source] * (environments - 1)]
        with running(self.name, "making it"):
            return SyncVectorEnv(makers, autoreset_mode=AutoresetMode.SAME_STEP)


def as_given(source: object) -> GivenEnvironment | None:
    """Return an environment given from Python; None if it is none, but a name, a path or an experiment.

    Raises:
        UserError: It is a single environment.
    """
    if isinstance(source, VectorEnv):
        return GivenEnvironment(source)
    if isinstance(source, gymnasium.Env):
        raise UserError(
            f"{source}: is one environment, and a learner needs several: give a function that makes it, "
            "or a gymnasium.vector.VectorEnv"
        )
    return GivenEnvironment(source) if callable(source) else None
