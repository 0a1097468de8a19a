"""Law of the shipped layout: every path in it is a topic and a field of the log."""

import json
import re
from pathlib import Path

from sim2real.configs.load import load_task
from sim2real.runtime.contract.spec import contract_of
from sim2real.runtime.log_channels import log_plan

LAYOUT = Path(__file__).parents[2] / "docs/howto/foxglove_layout.json"


def paths(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node[key] for key in ("value", "topicToRender") if key in node]
        return own + [path for each in node.values() for path in paths(each)]
    return [path for each in node for path in paths(each)] if isinstance(node, list) else []


def test_every_path_of_the_layout_is_in_the_log() -> None:
    plan = log_plan(contract_of(load_task("quadruped_walk")), {})
    fields = {channel.topic: json.loads(channel.schema).get("properties", {}) for channel in plan.channels}
    found = paths(json.loads(LAYOUT.read_text(encoding="utf-8")))
    assert len(found) > 12
    for path in found:
        topic, field, item = re.fullmatch(r"(/\w+)(?:\.(\w+))?(\[:\])?", path).groups()
        assert topic in fields, path
        if field is not None:
            assert (fields[topic][field]["type"] == "array") == (item is not None), path
