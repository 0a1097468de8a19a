"""Law of imported policies: what a policy of ours goes through, one from elsewhere goes through too."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from foreign_policies import golden, write_foreign, write_stated
from typer.testing import CliRunner

from sim2real.commands.root import app
from sim2real.configs.load import dump, load_task


def command(*arguments: object) -> dict[str, Any]:
    result = CliRunner().invoke(app, [*(str(each) for each in arguments), "--json"])
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.mark.slow
def test_a_policy_from_elsewhere_runs_is_tested_flashed_and_exported_to_c(tmp_path: Path) -> None:
    model, bundle = write_foreign(tmp_path / "theirs.onnx"), tmp_path / "bundle.onnx"
    np.savez(tmp_path / "golden.npz", **golden(model))
    stated = write_stated(tmp_path / "walk.yaml")
    command("import", model, "--from", stated, "--golden", tmp_path / "golden.npz", "-o", bundle)

    ran = command("run", bundle, "--robot", "quadruped", "--lockstep", "--plant", "inertia", "--duration", "0.2")
    assert ran["final_state"] == "RUNNING"

    # As the policy's owner has one.
    task = yaml.safe_load(dump(load_task("quadruped_walk"))) | {"name": "foreign_walk", "robot": "quadruped"}
    (tmp_path / "task.yaml").write_text(yaml.safe_dump(task))
    checks = [{"always": "state is RUNNING"}]
    scenario = {"name": "stands", "task": "./task.yaml", "duration": "200 ms", "expect": {"checks": checks}}
    (tmp_path / "stands.yaml").write_text(yaml.safe_dump(scenario))
    told = command("hil", tmp_path / "stands.yaml", "--policy", bundle, "--plant", "inertia", "--note")
    assert told["scenarios"][0]["ok"]

    flashed = command("flash", bundle, "--to", tmp_path / "dog", "--robot", "quadruped")
    assert flashed["installed"]["task"] == "foreign_walk"
    slot = flashed["policy"]
    again = command("run", slot, "--robot", "quadruped", "--lockstep", "--plant", "inertia", "--duration", "0.2")
    assert again["ticks"] == ran["ticks"]
    assert command("export", slot, "--target", "c", "-o", tmp_path / "walk.c")["weights_bytes"] > 0
