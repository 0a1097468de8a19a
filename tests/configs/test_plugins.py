"""Laws of plug-ins: loaded at first use, unknown names refused, broken ones named without affecting others."""

import sys
from importlib.metadata import EntryPoint

import pytest

from sim2real.configs.errors import ConfigError
from sim2real.configs.plugins import PluginError, Plugins

GROUP = "example.parts"


def plugins(tmp_path, monkeypatch, modules: dict[str, str], entries: list[tuple[str, str]], **arguments) -> Plugins:
    for name, text in modules.items():
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    found = [EntryPoint(name, value, GROUP) for name, value in entries]
    return Plugins(GROUP, "part", find=lambda group: found if group == GROUP else [], **arguments)


def test_a_part_is_loaded_once_at_its_first_use(tmp_path, monkeypatch):
    parts = plugins(tmp_path, monkeypatch, {"plug_a": "PART = object()"}, [("a", "plug_a:PART")])
    assert parts.names == ("a",)
    assert "plug_a" not in sys.modules
    assert parts["a"] is parts["a"]


def test_an_unknown_name_is_refused_with_the_valid_ones_and_the_closest(tmp_path, monkeypatch):
    parts = plugins(tmp_path, monkeypatch, {}, [("feetech", "x:y"), ("moteus", "x:y")])
    with pytest.raises(
        ConfigError, match=r"no part named 'fetech' \(did you mean 'feetech'\?\); valid: feetech, moteus"
    ):
        parts["fetech"]


def test_a_broken_part_is_named_with_its_traceback_and_the_others_still_work(tmp_path, monkeypatch):
    modules = {"plug_broken": "def inner():\n    return 1 / 0\ninner()\n", "plug_good": "PART = 3"}
    parts = plugins(tmp_path, monkeypatch, modules, [("broken", "plug_broken:PART"), ("good", "plug_good:PART")])
    with pytest.raises(PluginError, match=r"(?s)part 'broken' .*plug_broken.py\", line 2, in inner.*ZeroDivisionError"):
        parts["broken"]
    assert parts["good"] == 3


def test_two_packages_with_one_name_are_both_named(tmp_path, monkeypatch):
    parts = plugins(tmp_path, monkeypatch, {}, [("a", "first:PART"), ("a", "second:PART")])
    with pytest.raises(PluginError, match=r"two packages have a part named 'a': first:PART .* and second:PART"):
        parts["a"]


def test_a_part_of_the_wrong_kind_is_refused(tmp_path, monkeypatch):
    def check(part):
        return None if isinstance(part, int) else f"is a {type(part).__name__}, not an int"

    parts = plugins(tmp_path, monkeypatch, {"plug_text": "PART = 'text'"}, [("a", "plug_text:PART")], check=check)
    with pytest.raises(PluginError, match=r"part 'a' .*: is a str, not an int"):
        parts["a"]
