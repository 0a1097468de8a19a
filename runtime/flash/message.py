"""The messages between a workstation and a robot behind ssh: a line of JSON each, and the bytes of a policy."""

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import Field, TypeAdapter

from sim2real.configs.regular_file import POLICY_BYTES_MAX
from sim2real.runtime.flash.manifest import Digest
from sim2real.runtime.flash.record import Record
from sim2real.runtime.flash.results import Installed, Status
from sim2real.runtime.flash.terms import Part, Terms

LINE_BYTES_MAX: Final = 4_000_000  # a status carries the record, which has at most one million

Action = Literal["flash", "rollback", "status", "revoke", "allow", "trust"]


class Offer(Part):
    """A policy that follows the request; the robot answers how much of it is there already."""

    sha256: Digest
    size: Annotated[int, Field(ge=1, le=POLICY_BYTES_MAX)]
    signature: str | None


class Request(Part):
    """What a workstation asks of a robot."""

    protocol: Literal[1] = 1
    action: Action
    path: str
    """The target's folder, on the robot."""
    robot: str
    """The robot's YAML there, or its shipped name."""
    terms: Terms
    offer: Offer | None = None
    sha256: str = ""
    why: str = ""


class Answer(Part):
    """What the robot answers at last; before it, to an offer, a line with `have`: the bytes that it holds."""

    place: str = ""
    policy_path: str = ""
    error: str | None = None
    result: Any = None
    """Plain data of the action's result."""


@dataclass(frozen=True)
class Nothing:
    """The result of an action that has none."""


RESULTS: Final[dict[Action, TypeAdapter[Any]]] = {
    "flash": TypeAdapter(Installed),
    "rollback": TypeAdapter(Installed),
    "status": TypeAdapter(Status),
    "revoke": TypeAdapter(Installed),
    "allow": TypeAdapter(Nothing),
    "trust": TypeAdapter(Record),
}
"""The result of each action."""
