"""What it takes to replay an episode of a simulation."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class EpisodeRecord:
    """Seed and parameters needed to replay an episode with `Simulation.replay`."""

    key: int
    """Key of the simulation's random stream."""
    counter: int
    """Numbers drawn from the stream before the episode, its parameters included."""
    parameters: dict[str, list[float]]
    """Drawn values by name, SI."""

    def document(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)
