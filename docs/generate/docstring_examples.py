"""Extension of Griffe, which reads docstrings for mkdocstrings: `Example:` with a session is shown as code."""

import re
from typing import Any

import griffe

_HEADING = re.compile(r"^Example:$(?=\n\s+>>>)", re.MULTILINE)


class DocstringExamples(griffe.Extension):
    """Reads `Example:` before `>>>` as the section `Examples:`; Griffe takes it for a remark."""

    def on_instance(self, *, obj: griffe.Object, **_kwargs: Any) -> None:  # noqa: ANN401 - Griffe's signature
        """Change the docstring of an object when it was read."""
        if obj.docstring is not None:
            obj.docstring.value = _HEADING.sub("Examples:", obj.docstring.value)
