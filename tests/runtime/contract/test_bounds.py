"""Laws of the numbers in a contract: every one has bounds, and what is beyond them is refused in one line."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_task
from sim2real.runtime.contract.manifest import ContractError, read_contract
from sim2real.runtime.contract.spec import Contract, contract_of

TASKS = ("pendulum_swingup", "quadruped_walk", "so101_reach", "hopper_hop", "so101_hold")
CONTRACTS = {name: json.loads(contract_of(load_task(name)).model_dump_json()) for name in TASKS}
CONTRACTS["pendulum_swingup"]["recurrent_state"] = [[1, 64]]
_FIRST = CONTRACTS["quadruped_walk"]["observation"][0]
_FIRST |= {"low": [-1.0] * _FIRST["width"], "high": [1.0] * _FIRST["width"]}
SCHEMA = Contract.model_json_schema()

Path = tuple[str | int, ...]


def numbers(document: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of every number of a document; flags and the version of the schema are none."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield from numbers(value, (*path, key)) if key != "schema_version" else ()
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from numbers(value, (*path, index))
    elif isinstance(document, int | float) and not isinstance(document, bool):
        yield path


def changed(name: str, path: Path, text: str) -> str:
    """Return a contract as JSON with one number replaced by some text."""
    document = json.loads(json.dumps(CONTRACTS[name]))
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = "@"
    return json.dumps(document).replace('"@"', text)


def refusal(text: str) -> str:
    """Return why a contract is refused, empty when it is not."""
    try:
        read_contract(text)
    except ContractError as error:
        return str(error)
    return ""


PLACES = [(name, path) for name in TASKS for path in numbers(CONTRACTS[name])]


def test_every_contract_is_read_as_it_is():
    for document in CONTRACTS.values():
        read_contract(json.dumps(document))


def described(node: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every schema of a value, with its place."""
    if isinstance(node, dict):
        if "type" in node and "title" not in node.get("properties", {}):
            yield place, node
        for key, value in node.items():
            yield from described(value, f"{place}.{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from described(value, f"{place}.{index}")


def test_every_number_has_bounds_every_list_and_every_text_an_end():
    """A field that is added without fails here."""
    unbounded = []
    for place, schema in described(SCHEMA, ""):
        kind = schema["type"]
        if "const" in schema or "enum" in schema:
            continue
        if kind in ("number", "integer") and not (
            {"minimum", "exclusiveMinimum"} & schema.keys() and {"maximum", "exclusiveMaximum"} & schema.keys()
        ):
            unbounded.append(place)
        if (kind == "array" and "maxItems" not in schema) or (kind == "string" and "maxLength" not in schema):
            unbounded.append(place)
    assert unbounded == []


def test_the_search_for_bounds_finds_what_has_none():
    kinds = [schema["type"] for _, schema in described(SCHEMA, "")]
    assert min(kinds.count("number"), kinds.count("integer"), kinds.count("array"), kinds.count("string")) > 3


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e300", "-1e300", "1e12", "-1e12"]
)
def test_no_number_may_be_beyond_what_any_robot_has(text):
    said = {path: refusal(changed(name, path, text)) for name, path in PLACES}
    assert [path for path, message in said.items() if not message or "\n" in message] == []


@given(place=st.sampled_from(PLACES), value=st.floats(allow_nan=True, allow_infinity=True))
def test_any_number_is_taken_or_refused_in_one_line(place, value):
    message = refusal(changed(*place, json.dumps(value)))
    assert "\n" not in message
    assert not message or "contract is not valid" in message


@given(place=st.sampled_from(PLACES), value=st.integers(-(10**30), 10**30))
def test_any_count_is_taken_or_refused_in_one_line(place, value):
    assert "\n" not in refusal(changed(*place, str(value)))


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        (("control_rate",), "0", "control_rate"),
        (("control_rate",), "-100", "control_rate"),
        (("control_rate",), "1e12", "control_rate"),
        (("action", "clip"), "-1", "action.clip"),
        (("action", "clip"), "0", "action.clip"),
        (("action", "smoothing"), "1", "action.smoothing"),
        (("observation", 0, "clip"), "-0.5", "observation.0.clip"),
        (("observation", 0, "history"), "1000000000", "observation.0.history"),
        (("observation", 0, "width"), "0", "observation.0.width"),
        (("robot", "joints", 0, "velocity_max"), "0", "robot.joints.0.velocity_max"),
        (("robot", "joints", 0, "effort_max"), "-1", "robot.joints.0.effort_max"),
        (("robot", "joints", 0, "stiffness"), "-1", "robot.joints.0.stiffness"),
        (("robot", "joints", 0, "position_min"), "99", "position_min must be below position_max"),
        (("robot", "joints", 0, "default_position"), "99", "default_position must be between"),
        (("robot", "safety", "missed_ticks_max"), "0", "missed_ticks_max"),
        (("robot", "safety", "watchdog"), "0", "watchdog"),
        (("robot", "safety", "position_margin"), "-0.1", "position_margin"),
        (("robot", "safety", "voltage_min"), "99", "voltage_min must be below voltage_max"),
        (("robot", "safety", "reading_age_max"), "99", "reading_age_max must not exceed communication_loss"),
        (("recurrent_state", 0, 0), "0", "recurrent_state.0.0"),
        (("goal", "tolerance"), "0", "goal"),
    ],
)
def test_a_refusal_says_which_number_it_is(path, text, said):
    with pytest.raises(ContractError) as caught:
        read_contract(changed("pendulum_swingup", path, text))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        (("commands", 0, "default"), "99", "default must be between low and high"),
        (("imus",), "1", "imus"),
        (("observation", 0, "low"), "[0.0]", "one value for each of the"),
        (("observation", 0, "high", 0), "-2.0", "low must not exceed high"),
    ],
)
def test_numbers_that_do_not_go_together_are_refused(path, text, said):
    with pytest.raises(ContractError) as caught:
        read_contract(changed("quadruped_walk", path, text))
    assert said in str(caught.value)


def test_frames_of_a_tip_are_of_length_one():
    for path, said in ((("axis", 2), "axis must have length 1"), (("rotation", 0), "rotation must have length 1")):
        with pytest.raises(ContractError, match=said):
            read_contract(changed("so101_reach", ("robot", "tip", "links", 0, *path), "0.5"))


def test_ranges_are_left_out_of_contracts_without():
    text = contract_of(load_task("quadruped_walk")).model_dump_json()
    assert '"low":[' not in text
    assert '"high":[' not in text
    kept = read_contract(json.dumps(CONTRACTS["quadruped_walk"]))
    assert kept.observation[0].low == (-1.0,) * kept.observation[0].width
    assert read_contract(kept.model_dump_json()) == kept


def test_an_observation_that_no_robot_could_compute_is_refused():
    document = json.loads(json.dumps(CONTRACTS["quadruped_walk"]))
    wide = next(term for term in document["observation"] if term["width"] == 12)
    document["observation"] = [wide | {"history": 64}] * 256
    with pytest.raises(ContractError, match="values; valid: up to"):
        read_contract(json.dumps(document))


@pytest.mark.parametrize(
    "override",
    [
        "robot.joints.pivot.velocity_limit=1e9 rad/s",
        "robot.joints.pivot.stiffness=1e30 N*m/rad",
        "robot.safety.communication_loss=1e9 s",
        "robot.safety.position_margin=1e9 rad",
        "observation=[{term: joint_position, scale: 1e300}]",
        "control_rate=0.5 Hz",
    ],
)
def test_a_yaml_beyond_the_bounds_of_a_contract_is_refused_in_one_line(override):
    with pytest.raises(UserError) as caught:
        contract_of(load_task("pendulum_swingup", (override,)))
    assert "\n" not in str(caught.value)
