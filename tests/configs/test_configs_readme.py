"""Laws of the package's README: its examples are valid and complete, and form one project."""

import re
from pathlib import Path

import pytest

from sim2real.configs.library import KINDS, ROOT
from sim2real.configs.load import SCHEMAS, load
from sim2real.configs.units import valid_units

README = (ROOT / "README.md").read_text()
EXAMPLES = dict(re.findall(r"```yaml\n# (\S+)\n(.*?)```", README, re.DOTALL))


def test_every_kind_has_an_example() -> None:
    assert {name.split("/")[0] for name in EXAMPLES} == set(KINDS)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_loads(name: str, tmp_path: Path) -> None:
    for path, text in EXAMPLES.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    kind = name.split("/")[0]
    assert load(kind, SCHEMAS[kind], str(tmp_path / name))


def test_the_table_of_units_is_the_table_in_the_code() -> None:
    rows = re.findall(
        r"^\| [^|]+ \| (`[^|]+) \|$", README.partition("## Units")[2].partition("## Ref")[0], re.MULTILINE
    )
    groups = [group.split() for row in rows for group in re.findall(r"`([^`]+)`", row)]
    assert [units for group in groups for units in [valid_units(group[0])]] == groups


def test_every_module_is_on_the_map() -> None:
    modules = {path.name for path in ROOT.glob("*.py")} - {"__init__.py"}
    assert modules <= set(re.findall(r"`(\w+\.py)`", README))
