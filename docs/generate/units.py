"""The table of units, from the units that the loader takes."""

from sim2real.configs.schema import quantity
from sim2real.configs.schema.quantity import Quantity
from sim2real.configs.units import valid_units


def quantities() -> dict[str, str]:
    """Return the name of each quantity of the schema with its dimension, which is named by its SI unit."""
    return {
        _words(name): item.dimension
        for name, alias in vars(quantity).items()
        for item in getattr(alias, "__metadata__", ())
        if isinstance(item, Quantity)
    }


def quantity_name(dimension: str) -> str:
    """Return what a quantity of a dimension is called: `voltage` for `V`."""
    return next((name for name, of in quantities().items() if of == dimension), "quantity")


def table() -> str:
    """Return a row for each quantity of the schema: its SI unit, and what may be written."""
    rows = ["| quantity | in Python | may be written as |", "|---|---|---|"]
    for name, dimension in quantities().items():
        units = " ".join(f"`{unit}`" for unit in valid_units(dimension))
        rows.append(f"| {name} | `{dimension}` | {units} |")
    return "\n".join(rows)


def _words(name: str) -> str:
    text = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()
    return {"baudrate": "baud rate"}.get(text, text)
