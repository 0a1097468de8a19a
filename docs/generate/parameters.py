"""The table of randomised parameters, from their declarations."""

from sim2real.configs.schema.parameter_catalogue import PARAMETERS


def table() -> str:
    """Return a row for each parameter: how its values apply, and their SI unit."""
    rows = ["| parameter | applies by | unit of the value |", "|---|---|---|"]
    for name, parameter in PARAMETERS.items():
        ways = ", ".join(f"`{way}`" for way in parameter.apply)
        unit = f"`{parameter.unit}`" if parameter.unit else "plain number"
        rows.append(f"| `{name}` | {ways} | {unit} |")
    return "\n".join(rows)
