"""Laws of plants: chosen by name; any package may add one; a broken one does not affect the others."""

import sys
from importlib.metadata import EntryPoint

import pytest

from sim2real.configs.errors import ConfigError, UserError
from sim2real.configs.library import shipped, shipped_with_model
from sim2real.configs.load import load_robot
from sim2real.configs.plugins import PluginError, Plugins
from sim2real.hardware.emulator import plant
from sim2real.hardware.emulator.plant import InertiaPlant, choose_plant, make_plant

ROBOT = load_robot("pendulum")
MODULES = {
    "plug_plants": "from sim2real.hardware.emulator.plant import InertiaPlant\nclass Heavy(InertiaPlant):\n    pass\n",
    "plug_broken_plant": "1 / 0\n",
}


@pytest.fixture
def installed(tmp_path, monkeypatch) -> None:
    for name, text in MODULES.items():
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    entries = {
        "inertia": "sim2real.hardware.emulator.plant:InertiaPlant",
        "heavy": "plug_plants:Heavy",
        "broken": "plug_broken_plant:Heavy",
    }
    found = [EntryPoint(name, value, "sim2real.plants") for name, value in entries.items()]
    monkeypatch.setattr(plant, "PLANTS", Plugins("sim2real.plants", "plant", find=lambda group: found))


def test_a_plant_of_another_package_is_made_by_its_name(installed):
    assert type(make_plant(choose_plant("heavy"), ROBOT)).__name__ == "Heavy"


def test_a_broken_plant_shows_its_traceback_and_the_others_work(installed):
    with pytest.raises(PluginError, match=r"(?s)plant 'broken' .*failed to load:\nTraceback.*ZeroDivisionError"):
        make_plant("broken", ROBOT)
    assert isinstance(make_plant("inertia", ROBOT), InertiaPlant)


def test_auto_is_inertia_where_mujoco_is_not_installed(installed):
    assert choose_plant("auto") == "inertia"


@pytest.mark.parametrize("name", ["haevy", "pendulum"])
def test_an_unknown_plant_is_refused_with_the_valid_ones(installed, name):
    for find in (choose_plant, lambda name: make_plant(name, ROBOT)):
        with pytest.raises(ConfigError, match=rf"no plant named '{name}'.*; valid: .*broken, heavy, inertia"):
            find(name)
    with pytest.raises(ConfigError, match="did you mean 'heavy'"):
        choose_plant("haevy")


@pytest.mark.parametrize("name", [name for name in shipped("robots") if name not in shipped_with_model()])
def test_a_robot_without_a_model_gets_the_plant_that_needs_none(name):
    robot = load_robot(name)
    assert choose_plant("auto", robot) == "inertia"
    assert choose_plant("mujoco", robot) == "mujoco"  # which then says that there is no model
    with pytest.raises(UserError, match="has no `model`"):
        make_plant("mujoco", robot)
