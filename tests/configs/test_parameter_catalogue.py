"""Laws of the catalogue of parameters: each is declared once, by any package, and a broken one harms nobody else."""

import sys
from importlib.metadata import Distribution
from pathlib import Path

import pytest

from sim2real.configs.errors import ConfigError
from sim2real.configs.load import load_randomization
from sim2real.configs.plugins import PluginError, Plugins
from sim2real.configs.schema.parameter_catalogue import PARAMETERS, ParameterCatalogue

GROUP = "sim2real.parameters"


def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **collections: str) -> ParameterCatalogue:
    """A catalogue of packages, each with one module of declarations."""
    monkeypatch.syspath_prepend(str(tmp_path))
    entries = []
    for name, text in collections.items():
        module = f"acme_{name}"
        (tmp_path / f"{module}.py").write_text(text)
        monkeypatch.delitem(sys.modules, module, raising=False)
        info = tmp_path / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {module}:DECLARED\n")
        distribution = Distribution.at(info)
        entries += distribution.entry_points
    return ParameterCatalogue(Plugins(GROUP, "collection of parameters", find=lambda group: entries))


EFFECT = 'FieldEffect("opt.wind")'


def declaring(*names: str) -> str:
    lines = ["from sim2real.randomization.parameter import FieldEffect, Parameter"]
    declared = ", ".join(f'Parameter("{name}", "m", ("set",), "world", ({EFFECT},))' for name in names)
    return "\n".join([*lines, f"DECLARED = ({declared},)\n"])


def test_every_shipped_parameter_is_declared_whole() -> None:
    for name, parameter in PARAMETERS.items():
        assert parameter.name == name
        assert parameter.apply
        assert parameter.limits[0] <= parameter.neutral <= parameter.limits[1]


def test_parameters_of_several_packages_stand_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = catalogue(tmp_path, monkeypatch, a=declaring("bend", "sag"), b=declaring("creep"))
    assert found.names == ("bend", "creep", "sag")
    assert found["sag"].unit == "m"
    with pytest.raises(
        ConfigError, match=r"no parameter named 'sga' \(did you mean 'sag'\?\); valid: bend, creep, sag"
    ):
        found["sga"]


def test_a_broken_package_is_named_where_it_may_be_meant_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = catalogue(tmp_path, monkeypatch, a=declaring("bend"), b="1 / 0\n")
    assert found["bend"].name == "bend"
    with pytest.raises(PluginError, match=r"(?s)'b' of acme_b 1\.0 failed to load:.*ZeroDivisionError"):
        found["creep"]


def test_a_parameter_that_two_packages_declare_is_refused_with_both_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = catalogue(tmp_path, monkeypatch, a=declaring("bend", "sag"), b=declaring("bend"), c=declaring("bend"))
    with pytest.raises(
        PluginError, match=r"'bend' of acme_c 1\.0 is declared twice: by acme_a 1\.0 and by acme_c 1\.0"
    ):
        found["bend"]
    assert found.names == ("sag",)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"m"', '"furlong"', "'bend' of acme_a 1.0 has the unit 'furlong'; valid: A, "),
        (f"({EFFECT},)", "()", "'bend' of acme_a 1.0 has no effects: no part of the simulation reads it by itself"),
    ],
)
def test_a_declaration_that_cannot_be_used_is_refused_by_its_name(
    old: str, new: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert old in declaring("bend")
    found = catalogue(tmp_path, monkeypatch, a=declaring("bend").replace(old, new), b=declaring("sag"))
    with pytest.raises(PluginError) as caught:
        found["bend"]
    assert message in str(caught.value)
    assert found.names == ("sag",)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{parameter: action_loss, range: [0, 1.5]}", "action_loss goes from 0 to 1, not from 0 to 1.5"),
        ("{parameter: joint_latency, range: [-1 ms, 2 ms]}", "joint_latency goes from 0 to inf, not from -0.001 to"),
        ("{parameter: body_mass, range: [-0.5, 1]}", "body_mass goes from 0 to inf, not from -0.5 to 1"),
        ("{parameter: tip_white, range: [0 mm, 1 mm], limits: [-1 mm, 1 mm]}", "tip_white goes from 0 to inf"),
        ("{parameter: joint_friction, apply: set, range: [-1 N*m, 1 N*m]}", "joint_friction goes from 0 to inf"),
        ("{parameter: joint_frction, range: [0.5, 1]}", "no parameter named 'joint_frction' (did you mean 'joint_fri"),
    ],
)
def test_a_value_that_a_parameter_cannot_have_is_refused(entry: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_randomization("none", (f"parameters=[{entry}]",))
    assert message in str(caught.value)


def test_what_is_added_may_be_negative_where_what_is_set_may_not() -> None:
    entry = "{parameter: joint_friction, apply: add, range: [-0.01 N*m, 0.01 N*m]}"
    assert load_randomization("none", (f"parameters=[{entry}]",)).parameters[0].bounds == (-0.01, 0.01)
