"""Benchmarks print the document that DESIGN promises; how fast anything is, no test says."""

import json

from typer.testing import CliRunner

from sim2real.commands.bench import app


def test_a_benchmark_prints_machine_ratios_and_figures() -> None:
    arguments = ["sim", "pendulum_swingup", "--environments", "8", "--seconds", "0.02", "--json"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["bench"] == "sim"
    assert document["machine"]["cores"] >= 1
    assert "mujoco" in document["machine"]["libraries"]
    assert document["ratios"]["pendulum_swingup/8 environment_over_bare_batch"] > 0.0
    figures = document["figures"]["pendulum_swingup/8"]
    assert figures["randomization"] == "pendulum"
    assert len(figures["rounds"]) == 7


def test_wrong_input_is_one_line() -> None:
    result = CliRunner().invoke(app, ["sim", "nope"])
    assert result.exit_code == 1
    assert result.stderr.startswith("error: no tasks entry named 'nope'")
    missing = CliRunner().invoke(app, ["lockstep", "nope.onnx", "--robot", "pendulum"])
    assert missing.exit_code == 1
    assert missing.stderr.startswith("error: nope.onnx: cannot be read")
