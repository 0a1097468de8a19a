"""The plan of a log: all that its writer needs to know, as text for another process.

Imports NumPy and nothing of the policy.
"""

import json
from dataclasses import asdict, dataclass
from typing import Final, Self

from sim2real.runtime.row_layout import RowLayout

METADATA: Final = "sim2real.log"
"""Name of the record about the run, at the beginning of each file."""

RUN_METADATA: Final = "sim2real.run"
"""Name of the record about the end of the run."""

EVENTS, NOTICES, CONTRACT = "/events", "/notices", "/contract"

LOG_LEVELS: Final = {"info": 2, "warning": 3, "error": 4}
"""As in Foxglove's schema `Log`."""


@dataclass(frozen=True)
class Channel:
    """One topic."""

    topic: str
    schema_name: str
    schema: str
    """JSON Schema."""
    fields: tuple[str, ...]
    """Fields of a tick in its messages; none where messages are not made from ticks."""
    metadata: dict[str, str]
    joints: tuple[str, ...]
    """Names for messages in the shape of `sensor_msgs/JointState`; none for plain ones."""


@dataclass(frozen=True)
class LogPlan:
    """What is written, and how."""

    layout: RowLayout
    channels: tuple[Channel, ...]
    metadata: dict[str, str]
    contract: str
    """JSON of the contract, for `/contract`."""

    def to_text(self) -> str:
        """Return the plan as JSON."""
        channels = [asdict(channel) for channel in self.channels]
        return json.dumps([self.layout.to_text(), channels, self.metadata, self.contract])

    @classmethod
    def of_text(cls, text: str) -> Self:
        """Return the plan that `to_text` wrote."""
        layout, channels, metadata, contract = json.loads(text)
        for channel in channels:
            channel["fields"], channel["joints"] = tuple(channel["fields"]), tuple(channel["joints"])
        return cls(RowLayout.of_text(layout), tuple(Channel(**channel) for channel in channels), metadata, contract)
