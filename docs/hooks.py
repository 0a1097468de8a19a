"""MkDocs hook: adds the pages that are made from the code, and fills the places marked in the written ones.

`<!-- generated: NAME -->` on a line of its own is replaced by what `PLACES[NAME]` returns.
"""

import re
from collections.abc import Callable

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from generate import (
    command_reference,
    contract,
    layers,
    parameters,
    python_reference,
    reasons,
    states,
    terms,
    units,
    yaml_reference,
)

PLACES: dict[str, Callable[[], str]] = {
    "contract diagram": contract.diagram,
    "layers diagram": layers.diagram,
    "layers": layers.table,
    "metrics": terms.metrics,
    "observation terms": contract.terms_table,
    "parameters": parameters.table,
    "privileged": terms.privileged,
    "reasons": reasons.table,
    "rewards": terms.rewards,
    "states diagram": states.diagram,
    "terminations": terms.terminations,
    "transitions": states.table,
    "units": units.table,
}
"""What a written page may ask for."""

_MARK = re.compile(r"^<!-- generated: (.+) -->$", re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made whole."""
    pages = yaml_reference.pages() | {
        command_reference.PATH: command_reference.page(),
        python_reference.FACE_PATH: python_reference.face_page(),
        python_reference.INTERFACES_PATH: python_reference.interfaces_page(),
    }
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fill the marked places of a page.

    Raises:
        PluginError: A page asks for what is not there.
    """

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        if name not in PLACES:
            raise PluginError(f"{page.file.src_path}: nothing generated is named {name!r}; valid: {', '.join(PLACES)}")
        text = PLACES[name]()
        # A picture wider than the page is scrolled, not shrunk until nobody can read it.
        return f'<div class="picture">\n{text}\n</div>' if text.startswith("<svg") else text

    return _MARK.sub(fill, markdown)
