"""Laws of the JSON Schema: accepts shipped files, refuses what the loader refuses, names every field."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from sim2real.configs.families import IMU_FAMILIES, MOTOR_FAMILIES
from sim2real.configs.json_schema import json_schema
from sim2real.configs.library import KINDS, ROOT, shipped
from sim2real.configs.load import SCHEMAS, load
from sim2real.configs.schema.base import Config
from sim2real.configs.schema.part import PartBlock
from sim2real.configs.schema.registers import Registers
from sim2real.configs.yaml_source import read_yaml

SHIPPED = [(kind, name) for kind in KINDS for name in shipped(kind)]
TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str, "integer": int, "number": (int, float), "boolean": bool, "null": type(None), "object": dict,
    "array": list,
}  # fmt: skip

# Every keyword of our schemas. The small validator below fails on others instead of ignoring them.
ANNOTATIONS = {"title", "description", "default", "discriminator", "patternErrorMessage", "x-unit", "$defs"}
CHECKED = {
    "$ref", "anyOf", "oneOf", "const", "enum", "type", "pattern", "minLength", "maxLength", "minimum", "maximum",
    "exclusiveMinimum", "exclusiveMaximum", "properties", "required", "additionalProperties", "patternProperties",
    "propertyNames", "minProperties", "items", "prefixItems", "minItems", "maxItems",
}  # fmt: skip


def accepts(schema: dict[str, Any], value: Any, root: dict[str, Any]) -> bool:
    """Validate against the subset of JSON Schema 2020-12 that pydantic writes."""
    assert schema.keys() <= ANNOTATIONS | CHECKED, schema.keys() - ANNOTATIONS - CHECKED
    if "$ref" in schema and not accepts(root["$defs"][schema["$ref"].removeprefix("#/$defs/")], value, root):
        return False
    if "anyOf" in schema and not any(accepts(option, value, root) for option in schema["anyOf"]):
        return False
    if "oneOf" in schema and sum(accepts(option, value, root) for option in schema["oneOf"]) != 1:
        return False
    return all(checks(schema, value, root))


def checks(schema: dict[str, Any], value: Any, root: dict[str, Any]) -> list[bool]:
    found = [value == schema.get("const", value), value in schema.get("enum", [value])]
    if "type" in schema:
        is_bool = isinstance(value, bool)
        found.append(isinstance(value, TYPES[schema["type"]]) and is_bool == (schema["type"] == "boolean"))
    if isinstance(value, str):
        found += [
            bool(re.search(schema.get("pattern", ""), value)),
            schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)),
        ]
    if isinstance(value, int | float):
        found += [schema.get("minimum", value) <= value <= schema.get("maximum", value)]
        found += [schema.get("exclusiveMinimum", value - 1) < value < schema.get("exclusiveMaximum", value + 1)]
    if isinstance(value, dict):
        found += of_mapping(schema, value, root)
    if isinstance(value, list):
        prefix, rest = schema.get("prefixItems", []), schema.get("items", {})
        found.append(schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)))
        found += [accepts(prefix[i] if i < len(prefix) else rest, item, root) for i, item in enumerate(value)]
    return found


def of_mapping(schema: dict[str, Any], value: dict[str, Any], root: dict[str, Any]) -> list[bool]:
    properties, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    found = [key in value for key in schema.get("required", [])]
    found += [len(value) >= schema.get("minProperties", 0)]
    found += [accepts(schema.get("propertyNames", {}), key, root) for key in value]
    for key, item in value.items():
        matched = [below for pattern, below in patterns.items() if re.search(pattern, key)]
        below = properties.get(key) or (matched[0] if matched else schema.get("additionalProperties", True))
        found.append(below if isinstance(below, bool) else accepts(below, item, root))
    return found


def config_classes(of: type[Config]) -> set[type[Config]]:
    found: set[type[Config]] = set()
    todo = [of]
    while todo:
        config = todo.pop()
        if config is Registers:  # stands for those of the installed families
            todo += [family.registers for family in MOTOR_FAMILIES.working()[0].values()]
            continue
        found.add(config)
        blocks = [
            part for field in config.model_fields.values() for part in field.metadata if isinstance(part, PartBlock)
        ]
        todo += [block.parts[name].config for block in blocks for name in block.parts.names]
        text = [
            str(field.annotation)
            for field in config.model_fields.values()
            if not any(isinstance(part, PartBlock) for part in field.metadata)
        ]
        todo += [other for other in subclasses() if other not in found and any(mentions(line, other) for line in text)]
    return found


def mappings(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield the schema of every class, wherever it stands."""
    if isinstance(schema, dict) and isinstance(schema.get("properties"), dict) and "title" in schema:
        yield schema
    for below in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from mappings(below)


def subclasses(of: type[Config] = Config) -> list[type[Config]]:
    families = [family.registers.__module__ for family in MOTOR_FAMILIES.working()[0].values()]
    places = ("sim2real.configs.schema", *families)
    found = [config for config in of.__subclasses__() if config.__module__.startswith(places)]
    return found + [narrower for config in found for narrower in subclasses(config)]


def mentions(text: str, config: type[Config]) -> bool:
    return re.search(rf"{re.escape(config.__module__)}\.{config.__name__}\b", text) is not None


@pytest.mark.parametrize(("kind", "name"), SHIPPED)
def test_the_schema_accepts_every_shipped_file_as_written_and_spliced(kind: str, name: str) -> None:
    schema = json_schema(SCHEMAS[kind])
    assert accepts(schema, read_yaml(ROOT / kind / f"{name}.yaml").data, schema)
    assert accepts(schema, load(kind, SCHEMAS[kind], name).model_dump(mode="json"), schema)


@pytest.mark.parametrize(
    ("kind", "name", "key", "value"),
    [
        ("motors", "xm430_w350", "armature", "0.007 V"),
        ("motors", "xm430_w350", "armature", 0.007),
        ("motors", "xm430_w350", "counts_per_revolution", 1),
        ("motors", "xm430_w350", "nominal", {"voltage": "12 V"}),
        ("robots", "pendulum", "supply_volage", "12 V"),
        ("robots", "pendulum", "name", "2 pendulums"),
        ("robots", "pendulum", "joints", {}),
        ("robots", "pendulum", "buses", {"2nd": {"protocol": "dynamixel2", "baudrate": "1 Mbaud"}}),
        ("tasks", "pendulum_swingup", "action", {"target": "efort"}),
        ("tasks", "pendulum_swingup", "terminations", [{"term": "2nd"}]),
        ("tasks", "pendulum_swingup", "robot", 3),
        ("faults", "lossy_bus", "faults", [{"kind": "silent", "bus": "main"}]),
        ("scenarios", "pendulum_swingup", "expect", {"goal": "yes"}),
        ("experiments", "pendulum_ppo", "seed", -1),
        ("targets", "pendulum", "kind", "serial"),
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(kind: str, name: str, key: str, value: object) -> None:
    schema = json_schema(SCHEMAS[kind])
    data = read_yaml(ROOT / kind / f"{name}.yaml").data
    assert not accepts(schema, data | {key: value}, schema)


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_names_every_field_and_describes_every_class(kind: str) -> None:
    schema = json_schema(SCHEMAS[kind])
    found = {part["title"]: part for part in mappings(schema)}
    classes = config_classes(SCHEMAS[kind])
    assert {config.__name__ for config in classes} == set(found)
    for config in classes:
        assert set(found[config.__name__]["properties"]) == set(config.model_fields)
        assert found[config.__name__]["additionalProperties"] is False
        assert found[config.__name__]["description"]


def test_the_schema_lists_the_registers_of_every_installed_family_and_the_protocols() -> None:
    motor, robot = json_schema(SCHEMAS["motors"]), json_schema(SCHEMAS["robots"])
    families, broken = MOTOR_FAMILIES.working()
    assert not broken
    mapping = motor["properties"]["registers"]["discriminator"]["mapping"]
    assert {name: at.rpartition("/")[2] for name, at in mapping.items()} == {
        name: family.registers.__name__ for name, family in families.items()
    }
    assert robot["$defs"]["BusConfig"]["properties"]["protocol"]["enum"] == [
        family.protocol for family in families.values()
    ]
    assert robot["$defs"]["ImuConfig"]["properties"]["protocol"]["enum"] == list(IMU_FAMILIES.names)


@pytest.mark.parametrize("kind", KINDS)
def test_a_default_in_the_schema_is_what_a_user_may_write(kind: str) -> None:
    # An editor inserts the default unchanged; once the default of a quantity had no unit.
    schema = json_schema(SCHEMAS[kind])
    for part in mappings(schema):
        for name, field in part["properties"].items():
            if "default" in field:
                assert accepts(field, field["default"], schema), name


def test_editors_are_offered_the_names_of_terms_and_accept_those_that_a_module_may_declare() -> None:
    schema = json_schema(SCHEMAS["tasks"], {"reward": ["alive"], "termination": ["tilted", "low"]})
    assert schema["$defs"]["TerminationConfig"]["properties"]["term"]["anyOf"][0] == {"enum": ["low", "tilted"]}
    task = read_yaml(ROOT / "tasks" / "pendulum_swingup.yaml").data
    for name, valid in (("alive", True), ("of_my_own", True), ("2nd", False)):
        assert accepts(schema, task | {"rewards": [{"term": name, "weight": 1.0}]}, schema) is valid


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_is_json(kind: str, tmp_path: Path) -> None:
    assert TypeAdapter(Any).validate_json(TypeAdapter(Any).dump_json(json_schema(SCHEMAS[kind])))


def test_every_key_says_what_it_means() -> None:
    undescribed = [
        f"{config.__name__}.{name}"
        for config in sorted({found for schema in SCHEMAS.values() for found in config_classes(schema)}, key=str)
        for name, info in config.model_fields.items()
        if not info.description
    ]
    assert undescribed == []
