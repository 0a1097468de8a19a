"""Laws of the command line: it is listed without being imported, and a broken plug-in harms nobody else."""

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest
import typer
from typer.testing import CliRunner

from sim2real.cli import main
from sim2real.commands.lazy_group import commands_of, lazy_group
from sim2real.commands.root import app
from sim2real.configs.command_info import CommandInfo
from sim2real.configs.plugins import PluginError, Plugins

GROUPS = ("sim2real.commands", "sim2real.benchmarks")
INSTALLED = [(group, name) for group in GROUPS for name in commands_of(group).names]

MODULES = {
    "plug_good": """
import typer
app = typer.Typer()
@app.command()
def good():
    "Does good."
    print("done")
""",
    "plug_broken": "import no_such_module_of_theirs\n",
    "plug_list": """
from sim2real.configs.command_info import CommandInfo
LATE = CommandInfo("Breaks when it is run.", "plug_broken:app")
""",
    "plug_text": "app = 'not an app'\n",
}
ENTRIES = [
    ("good", "plug_good:app"),
    ("broken", "plug_broken:app"),
    ("late", "plug_list:LATE"),
    ("text", "plug_text:app"),
]


@pytest.fixture
def commands(tmp_path, monkeypatch) -> Plugins:
    for name, text in MODULES.items():
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    entries = [EntryPoint(name, value, "example.commands") for name, value in ENTRIES]
    return commands_of("example.commands", find=lambda group: entries)


@pytest.fixture
def root(commands) -> typer.Typer:
    made = typer.Typer(cls=lazy_group(commands), no_args_is_help=True, add_completion=False, rich_markup_mode=None)

    @made.callback()
    def callback() -> None:
        """The root."""

    return made


def invoke(root: typer.Typer, *arguments: str):
    return CliRunner().invoke(root, list(arguments))


def test_help_marks_what_cannot_be_loaded_and_lists_the_rest(root):
    result = invoke(root, "--help")
    assert result.exit_code == 0, result.output
    rows = {line.split()[0]: line for line in result.stdout.splitlines() if line.startswith("  ") and line.split()}
    assert "Does good." in rows["good"]
    assert "(cannot be loaded; `" in rows["broken"]
    assert " broken` says why)" in rows["broken"]
    assert "(cannot be loaded; `" in rows["text"]
    assert "Breaks when it is run." in rows["late"]  # listed by its summary: the app is not imported


def test_a_command_beside_a_broken_one_runs(root):
    result = invoke(root, "good")
    assert result.exit_code == 0
    assert result.stdout == "done\n"


@pytest.mark.parametrize("name", ["broken", "late"])
def test_a_broken_command_is_named_with_its_whole_traceback_when_it_is_run(root, name):
    error = invoke(root, name).exception
    assert isinstance(error, PluginError)
    text = str(error)
    assert text.startswith(
        f"command {name!r} of no installed package failed to load:\nTraceback (most recent call last):"
    )
    assert 'plug_broken.py", line 1' in text
    assert text.endswith("ModuleNotFoundError: No module named 'no_such_module_of_theirs'")


def test_a_plug_in_of_the_wrong_kind_is_refused(root):
    error = invoke(root, "text").exception
    assert isinstance(error, PluginError)
    assert "is a str; valid: a CommandInfo or a typer.Typer" in str(error)


def test_an_unknown_command_names_the_closest_and_the_valid_ones(root):
    result = invoke(root, "god")
    assert result.exit_code == 2
    assert "no command named 'god' (did you mean 'good'?); valid: broken, good, late, text" in result.stderr


def test_main_prints_a_broken_command_on_standard_error_and_fails(monkeypatch, capsys):
    def broken() -> None:
        raise PluginError("command 'x' of pkg 1.0 failed to load:\nTraceback (most recent call last):\n  [boom]")

    monkeypatch.setattr("sim2real.commands.root.app", broken)
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 1
    assert capsys.readouterr().err == (
        "error: command 'x' of pkg 1.0 failed to load:\nTraceback (most recent call last):\n  [boom]\n"
    )


# What is installed


@pytest.mark.parametrize(("group", "name"), INSTALLED)
def test_every_command_of_this_project_has_a_summary_of_one_line_and_loads(group, name):
    info = commands_of(group)[name]
    assert isinstance(info, CommandInfo)
    assert len(info.summary) <= 64
    assert info.summary.endswith(".")
    assert isinstance(info.load(), typer.Typer)


@pytest.mark.parametrize("name", commands_of(GROUPS[0]).names)
def test_every_command_has_help_and_none_of_the_options_that_only_the_root_can_have(name):
    result = CliRunner().invoke(app, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert "--show-completion" not in result.stdout
    assert "--install-completion" not in result.stdout


def test_the_list_of_commands_imports_nothing_that_is_slow():
    program = (
        "import sys; from sim2real.commands.root import app; app(['--help'], standalone_mode=False); "
        "heavy = {'numpy', 'rich', 'pydantic', 'yaml', 'onnxruntime', 'mcap', 'mujoco', 'torch', 'matplotlib'}; "
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert done.stderr == "[]\n"
    assert "Start with: sim2real demo" in done.stdout
