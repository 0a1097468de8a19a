"""Laws of what the documentation makes from the code: nothing is missing, and what has no place is refused."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from pydantic.fields import FieldInfo

import check_links
from generate import architecture, command_reference, layers, python_reference, reasons, states, yaml_reference
from generate.field_text import default_text, taken
from generate.places import MARK, PLACES
from generate.yaml_reference import owners
from sim2real.configs.load import SCHEMAS
from sim2real.configs.schema.robot import JointConfig, RobotConfig
from sim2real.configs.schema.safety import SafetyConfig
from sim2real.runtime.limits import Intervention
from sim2real.runtime.states import TRANSITIONS, Action, Event, State, Transition
from sim2real.runtime.verdict import Reason

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = {path.relative_to(DOCS).as_posix(): path.read_text() for path in DOCS.rglob("*.md")}


def cells(config, key: str) -> tuple[str, str]:
    info: FieldInfo = config.model_fields[key]
    what = taken(info.annotation, tuple(info.metadata), {})
    return ", ".join((what.kind, *what.limits)), default_text(info, what.unit)


def test_every_transition_is_in_the_table() -> None:
    for (state, event), (target, _) in TRANSITIONS.items():
        row = next(
            line
            for line in states.table().splitlines()
            if line.startswith(f"| `{event.name}` |") and line.endswith(f"| `{target.name}` |")
        )
        assert f"`{state.name}`" in row or "every state" in row


def test_every_state_and_event_is_in_the_picture() -> None:
    texts = {element.text for element in ElementTree.fromstring(states.diagram()).iter() if element.text}  # noqa: S314 - our own
    assert {state.name for state in State} | {event.name for event in Event} <= texts


def test_a_transition_without_a_place_in_the_picture_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRANSITIONS, (State.LIMP, Event.ARRIVE), Transition(State.DAMPING, Action.NOTHING))
    with pytest.raises(ValueError, match="ARRIVE from LIMP to DAMPING"):
        states.diagram()


def test_every_layer_is_drawn_and_said_in_a_sentence() -> None:
    drawing, table = layers.diagram(), layers.table()
    for name in (name for row in layers.layers() for name in row):
        assert f">{name}</text>" in drawing
        assert re.search(rf"`sim2real\.{name}` \| \w", table)


def test_every_reason_of_safety_is_in_the_table() -> None:
    assert {str(reason.name) for reason in Reason} == set(re.findall(r"^\| `(\w+)`", reasons.table(), re.MULTILINE))


def test_every_key_of_the_schema_is_described_once_and_every_link_leads_somewhere() -> None:
    pages = yaml_reference.pages()
    for config, kind in owners().items():
        page = pages[f"{yaml_reference.FOLDER}/{kind}.md"]
        section = page.partition(f"{{#{config.__name__.lower()}}}")[2].partition("\n## ")[0]
        assert set(re.findall(r"^\| `(\w+)`", section, re.MULTILINE)) == set(config.model_fields)
    for path, page in pages.items():
        for link in re.findall(r"\]\(([^)]+)\)", page):
            name, _, anchor = link.partition("#")
            assert f"{{#{anchor}}}" in pages[f"{yaml_reference.FOLDER}/{name}" if name else path]


def test_every_kind_has_a_title() -> None:
    assert set(yaml_reference.TITLES) == set(SCHEMAS)


@pytest.mark.parametrize(
    ("config", "key", "expected"),
    [
        (RobotConfig, "supply_resistance", ("resistance (`ohm`), ≥ 0 `ohm`", "`0.1 ohm`")),
        (RobotConfig, "supply_voltage", ("voltage (`V`, `mV`), > 0 `V`, ≤ 1000 `V`", "**required**")),
        (JointConfig, "direction", ("`1` · `-1`", "`1`")),
        (JointConfig, "position_limits", ("pair of angle (`rad`, `mrad`, `deg`, `rev`)", "**required**")),
        (SafetyConfig, "missed_ticks_max", ("integer, ≥ 1, ≤ 10000", "**required**")),
        (RobotConfig, "feet", ("list of name", "`[]`")),
    ],
)
def test_a_key_says_what_it_takes(config, key: str, expected: tuple[str, str]) -> None:
    assert cells(config, key) == expected


def test_every_command_has_an_example() -> None:
    sections = re.split(r"^## ", command_reference.page(), flags=re.MULTILINE)[1:]
    assert len(sections) > 20
    for section in sections:
        name = section.partition(" {#")[0]
        assert f"```\nsim2real {name}" in section, name


def test_the_python_pages_name_what_is_there() -> None:
    assert "load_robot" in python_reference.face()
    for path in (path for paths in python_reference.INTERFACES.values() for path in paths):
        module, _, name = path.rpartition(".")
        file = DOCS.parent / (module.replace(".", "/") + ".py")
        assert re.search(rf"^(class|def) {name}\b", file.read_text(), re.MULTILINE), path


def test_the_picture_in_the_readme_is_the_one_that_is_drawn() -> None:
    assert architecture.FILE.read_text() == architecture.picture(), (
        "run: PYTHONPATH=docs python -m generate.architecture"
    )


def test_every_place_on_a_page_can_be_filled_and_everything_is_shown_somewhere() -> None:
    asked = {name for text in PAGES.values() for name in MARK.findall(text)}
    assert asked == set(PLACES)
    for make in PLACES.values():
        assert make().strip()


def test_no_link_of_a_readme_is_broken() -> None:
    assert [line for document in check_links.documents() for line in check_links.broken(document)] == []


def test_a_broken_link_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_links, "ROOT", tmp_path)
    (tmp_path / "there.md").write_text("# A heading, with `code`\n")
    document = tmp_path / "README.md"
    document.write_text(
        "[a](there.md#a-heading-with-code) [b](gone.md) [c](there.md#gone) [d](https://example.org/x)\n"
    )
    assert check_links.broken(document) == [
        "README.md: gone.md: no such file",
        "README.md: there.md#gone: no such heading",
    ]


def test_every_limit_and_reason_of_safety_is_explained() -> None:
    """Keys that are no limits: when the supervisor acts, what it does, and how long reactions last."""
    root = Path(__file__).resolve().parents[2]
    page = (root / "docs/concepts/safety.md").read_text(encoding="utf-8").partition("## What is checked")[0]
    limits = {"acceleration_limit", "jerk_limit", "effort_continuous", "thermal_time", "stall_effort"}
    keys = set(SafetyConfig.model_fields) - {"watchdog", "on_death", "on_fault", "fault_time"} | limits
    named = {word for text in re.findall(r"`([^`]+)`", page) for word in re.findall(r"\w+", text)}
    internal = {"PORT_LOST", "SUPERVISOR_LOST", "INTERNAL_ERROR"}  # no limit leads to them
    assert keys <= named
    assert {str(reason.name) for reason in Reason} - internal <= named
    assert {str(bit.name) for bit in Intervention} <= named
