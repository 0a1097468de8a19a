"""What a written page may ask for: `<!-- generated: NAME -->` on a line of its own is replaced by it."""

import re
from collections.abc import Callable
from functools import partial

from generate import architecture, contract, layers, parameters, reasons, states, terms, units

PLACES: dict[str, Callable[[], str]] = {
    "architecture diagram": architecture.diagram,
    "command sources": partial(terms.table, "command"),
    "contract diagram": contract.diagram,
    "layers diagram": layers.diagram,
    "layers": layers.table,
    "metrics": partial(terms.table, "metric"),
    "observation terms": contract.terms_table,
    "parameters": parameters.table,
    "privileged": partial(terms.table, "privileged"),
    "reasons": reasons.table,
    "rewards": partial(terms.table, "reward"),
    "states diagram": states.diagram,
    "terminations": partial(terms.table, "termination"),
    "transitions": states.table,
    "units": units.table,
}
"""Tables and diagrams by name."""

MARK = re.compile(r"^<!-- generated: (.+) -->$", re.MULTILINE)
"""Matches a place on a page."""
