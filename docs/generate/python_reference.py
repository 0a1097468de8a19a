"""Reference of the Python interface: directives that mkdocstrings replaces by what the docstrings say."""

import ast

from generate.layers import ROOT

FACE_PATH = "reference/python/index.md"
"""Page of what `import sim2real` gives."""
INTERFACES_PATH = "reference/python/interfaces.md"
"""Page of what a package from outside implements or is given."""

_FACE = """# Python

`import sim2real` is light: it loads neither torch nor MuJoCo, and each name is imported at its first use. The objects
that these functions return are the same as the `--json` documents of the [commands](../commands.md).

`examples/` in the repository has a short script for each: drive a motor by hand, the vendor's SDK on the emulator, make
an environment, train and export, a hook on each tick, Stable-Baselines3, a fault scenario.

[Interfaces](interfaces.md) describes what you implement for a plant, a motor family, a curriculum or an algorithm of
your own.
"""
_INTERFACES = """# Interfaces

What a part of your own implements, and what it is given. Names and units: rad, rad/s, N·m, A, V, °C, s; time stamps are
integer nanoseconds of a monotonic clock; quaternions are w x y z; every array of the contract is `(n, …)`.
"""

INTERFACES = {
    "The contract": (
        "sim2real.runtime.contract.spec.Contract",
        "sim2real.runtime.contract.spec.ObservationTermSpec",
        "sim2real.runtime.contract.spec.ActionSpec",
        "sim2real.runtime.contract.signals.Signals",
        "sim2real.runtime.contract.observation_term.Inputs",
        "sim2real.runtime.contract.observation_term.observation_term",
        "sim2real.runtime.contract.observation.ObservationPipeline",
        "sim2real.runtime.contract.action.ActionPipeline",
    ),
    "Hardware": (
        "sim2real.hardware.family.Family",
        "sim2real.hardware.interface.JointInterface",
        "sim2real.hardware.interface.BusDriver",
        "sim2real.hardware.types.JointState",
        "sim2real.hardware.types.JointCommand",
        "sim2real.hardware.position_law.PositionLaw",
        "sim2real.hardware.workbench.interface.Workbench",
        "sim2real.hardware.firmware.device_protocol.DeviceProtocol",
        "sim2real.hardware.firmware.motor.EmulatedMotor",
        "sim2real.hardware.imu.family.ImuFamily",
        "sim2real.hardware.imu.interface.Imu",
        "sim2real.hardware.bus.transport.Transport",
        "sim2real.hardware.clock.Clock",
        "sim2real.hardware.emulator.plant.Plant",
    ),
    "Runtime": (
        "sim2real.runtime.policy.OnnxPolicy",
        "sim2real.runtime.run_options.RunOptions",
        "sim2real.runtime.report.RunReport",
        "sim2real.runtime.safety.Safety",
        "sim2real.runtime.flash.target.Target",
    ),
    "Terms of a task": (
        "sim2real.task.declaration.reward",
        "sim2real.task.declaration.termination",
        "sim2real.task.declaration.metric",
        "sim2real.task.declaration.privileged",
        "sim2real.task.declaration.command",
        "sim2real.task.state.TaskState",
        "sim2real.task.state.TaskConstants",
        "sim2real.task.measurement.MetricSums",
        "sim2real.task.privileged_inputs.PrivilegedInputs",
        "sim2real.task.command_source.HeldCommands",
    ),
    "Simulated world": (
        "sim2real.envs.batch_env.BatchEnv",
        "sim2real.curriculum.interface.Curriculum",
        "sim2real.curriculum.kind.CurriculumKind",
    ),
    "Learners": (
        "sim2real.training.algorithms.interface.Algorithm",
        "sim2real.training.algorithms.kind.AlgorithmKind",
    ),
    "Plug-ins": ("sim2real.configs.plugins.Plugins", "sim2real.configs.command_info.CommandInfo"),
}
"""Documented objects by section."""


def face_page() -> str:
    """Return the page of the public names of `sim2real`."""
    parts = [_FACE]
    for name, path in face().items():
        parts.append(f"::: {path}\n    options:\n      heading: sim2real.{name}\n      toc_label: {name}\n")
    return "\n".join(parts)


def interfaces_page() -> str:
    """Return the page of the interfaces."""
    parts, public = [_INTERFACES], set(face().values())
    for section, names in INTERFACES.items():
        own = [name for name in names if name not in public]  # each is described once
        parts += [f"## {section}\n", *(f"::: {name}\n    options:\n      heading_level: 3\n" for name in own)]
    return "\n".join(parts)


def face() -> dict[str, str]:
    """Return the public functions and classes of `sim2real` with the places they come from, read from the source.

    They are loaded at their first use; for type checkers the module imports them as `from PLACE import NAME as NAME`.
    """
    module = ast.parse((ROOT / "sim2real" / "__init__.py").read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(module) if isinstance(node, ast.ImportFrom)]
    found = {
        alias.name: f"{node.module}.{alias.name}"
        for node in imports
        for alias in node.names
        if alias.asname == alias.name
    }
    functions_first = sorted(found, key=lambda name: (name[0].isupper(), name))
    return {name: found[name] for name in functions_first}
