"""Schema of the loop: how fast the buses are polled, and what happens between two runs of the policy."""

from typing import Annotated, Literal

from sim2real.configs.schema.base import Config
from sim2real.configs.schema.quantity import Positive, Rate

Between = Literal["linear", "hold", "filter"]


class LoopConfig(Config):
    """The loop on the robot. Read, safety's checks and write happen in every tick; the policy runs at its own rate."""

    bus_rate: Annotated[Rate, Positive] | None = None
    """Ticks a second: a whole multiple of the policy's control rate, which it is when absent. `--bus-rate` overrides
    it."""
    between: Between = "linear"
    """How the targets get from one run of the policy to the next: `linear` reaches the new ones just before the next
    run, `hold` sends them at once, `filter` is a first-order low pass with the policy's period as time constant."""
