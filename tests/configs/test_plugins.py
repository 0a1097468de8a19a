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


@pytest.mark.parametrize("last_words", ["import sys; sys.exit(0)", "class End(BaseException): pass\nraise End"])
def test_a_part_that_ends_the_program_is_broken_like_any_other(tmp_path, monkeypatch, last_words):
    # `sim2real run` said nothing and exited with success where any installed family called sys.exit(0).
    parts = plugins(tmp_path, monkeypatch, {"plug_ends": last_words}, [("ends", "plug_ends:PART")])
    with pytest.raises(PluginError, match=r"(?s)part 'ends' .* failed to load:"):
        parts["ends"]


def test_what_a_part_prints_when_it_is_loaded_is_no_result(tmp_path, monkeypatch, capsys):
    # A family that greeted at import made the document of --json unreadable, and the emulator not start.
    parts = plugins(tmp_path, monkeypatch, {"plug_loud": "print('hello')\nPART = 3"}, [("loud", "plug_loud:PART")])
    assert parts["loud"] == 3
    assert capsys.readouterr() == ("", "hello\n")


def test_metadata_older_than_the_code_are_named_with_the_cure(tmp_path, monkeypatch):
    # It said "'moteus' is not a choice; valid: none" beside a sim2real.egg-info of an old build.
    info = tmp_path / "sim2real.egg-info"
    info.mkdir()
    (info / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: sim2real\nVersion: 0.0.1\n")
    (info / "entry_points.txt").write_text("[console_scripts]\nsim2real = sim2real.cli:main\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    stale: Plugins = Plugins("sim2real.motor_families", "motor family")
    for question in (lambda: stale.names, lambda: "acme" in stale, lambda: stale["acme"], stale.working):
        with pytest.raises(PluginError, match=rf"its metadata in {tmp_path} are of another version .*pip install \.$"):
            question()


def test_a_part_of_another_class_than_a_layer_above_needs_is_named_with_its_package(tmp_path, monkeypatch):
    parts = plugins(tmp_path, monkeypatch, {"plug_number": "PART = 3"}, [("a", "plug_number:PART")])
    assert parts.of("a", int) == 3
    with pytest.raises(PluginError, match="part 'a' of no installed package is a int, not a str"):
        parts.of("a", str)
