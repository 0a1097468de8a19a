"""Laws of the documents: the examples are valid, whole, and together one project; every module is on the map."""

import re
from pathlib import Path

import pytest

from sim2real.configs.library import KINDS, ROOT
from sim2real.configs.load import SCHEMAS, load

README = (ROOT / "README.md").read_text()
EXAMPLES_PAGE = ROOT.parent / "docs" / "reference" / "yaml" / "examples.md"
EXAMPLES = dict(re.findall(r"```yaml\n# (\S+)\n(.*?)```", EXAMPLES_PAGE.read_text(), re.DOTALL))


def test_every_kind_has_an_example() -> None:
    assert {name.split("/")[0] for name in EXAMPLES} == set(KINDS)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_loads(name: str, tmp_path: Path) -> None:
    for path, text in EXAMPLES.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    kind = name.split("/")[0]
    assert load(kind, SCHEMAS[kind], str(tmp_path / name))


def test_every_module_is_on_the_map() -> None:
    modules = {path.name for path in ROOT.glob("*.py")} - {"__init__.py"}
    assert modules <= set(re.findall(r"`(\w+\.py)`", README))
