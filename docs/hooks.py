"""MkDocs hook: adds the pages that are made from the code and fills the places that are marked in the written ones.

A page that would load something from elsewhere is refused.
"""

import re

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from generate import command_reference, python_reference, yaml_reference
from generate.places import MARK, PLACES

# What a browser fetches by itself; a link that a reader may follow is no matter.
_LOADED = re.compile(r"<(?:script|link|img|iframe|video|source)\b[^>]*\b(?:src|href)=[\"']?((?:https?:)?//[^\"'\s>]+)")


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

    return MARK.sub(fill, markdown)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Return a page as it is.

    Raises:
        PluginError: Whoever reads it would load something from a network.
    """
    loaded = _LOADED.findall(output)
    if loaded:
        raise PluginError(f"{page.file.src_path}: loads {', '.join(sorted(set(loaded)))}; keep it in docs/ instead")
    return output
