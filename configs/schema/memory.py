"""Schema of a policy's memory."""

from typing import Annotated, Literal

from pydantic import Field

from sim2real.configs.schema.base import Config


class MemoryConfig(Config):
    """Recurrent memory of the policy; the critic has one of its own of the same kind and size."""

    kind: Literal["gru", "lstm"]
    """GRU (Cho et al. 2014) or LSTM (Hochreiter & Schmidhuber 1997); a GRU costs less and is seldom worse."""
    size: Annotated[int, Field(ge=1, le=1024)] = 64
    """Values remembered from one control step to the next."""
