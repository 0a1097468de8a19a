"""Docstrings as text of a page."""

import inspect


def first_paragraph(docstring: str | None) -> str:
    """Return the first paragraph on one line; an empty text when there is no docstring."""
    return one_line(inspect.cleandoc(docstring).split("\n\n")[0]) if docstring else ""


def one_line(text: str) -> str:
    """Return a text on one line that is safe in a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
