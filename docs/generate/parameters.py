"""The table of randomised parameters, from the schema."""

from sim2real.configs.schema.parameter import TRAITS


def table() -> str:
    """Return a row for each parameter: how its values apply, and their SI unit."""
    rows = ["| parameter | applies by | unit of the value |", "|---|---|---|"]
    for name, traits in TRAITS.items():
        ways = ", ".join(f"`{way}`" for way in traits.apply)
        unit = f"`{traits.dimension}`" if traits.dimension else "plain number"
        rows.append(f"| `{name}` | {ways} | {unit} |")
    return "\n".join(rows)
