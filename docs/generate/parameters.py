"""The table of randomised parameters, from their declarations."""

from typing import Final

from sim2real.configs.schema.parameter_catalogue import PARAMETERS
from sim2real.randomization.parameter import Element, find_parameter

_OF: Final[dict[Element, str]] = {
    "body": "body",
    "joint": "joint",
    "actuator": "motor",
    "geom": "geom",
    "play": "joint",
    "load": "payload",
    "supply": "supply",
    "world": "robot",
}


def table() -> str:
    """Return a row for each parameter: how its values apply, and their SI unit."""
    rows = ["| parameter | one value for each | applies by | unit of the value |", "|---|---|---|---|"]
    for name, parameter in PARAMETERS.items():
        ways = ", ".join(f"`{way}`" for way in parameter.apply)
        unit = f"`{parameter.unit}`" if parameter.unit else "plain number"
        rows.append(f"| `{name}` | {_OF[find_parameter(name).of]} | {ways} | {unit} |")
    return "\n".join(rows)
