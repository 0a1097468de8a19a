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
        "sim2real.runtime.contract.observation.ObservationPipeline",
        "sim2real.runtime.contract.action.ActionPipeline",
    ),
    "Hardware": (
        "sim2real.hardware.interface.JointInterface",
        "sim2real.hardware.types.JointState",
        "sim2real.hardware.types.JointCommand",
        "sim2real.hardware.imu.interface.Imu",
        "sim2real.hardware.bus.transport.Transport",
        "sim2real.hardware.clock.Clock",
        "sim2real.hardware.emulator.plant.Plant",
    ),
    "Runtime": (
        "sim2real.runtime.policy.OnnxPolicy",
        "sim2real.runtime.session.RunOptions",
        "sim2real.runtime.report.RunReport",
        "sim2real.runtime.safety.Safety",
        "sim2real.runtime.flash.target.Target",
    ),
    "Simulated world": (
        "sim2real.envs.batch_env.BatchEnv",
        "sim2real.curriculum.interface.Curriculum",
    ),
    "Learners": ("sim2real.training.algorithms.interface.Algorithm",),
    "Plug-ins": ("sim2real.configs.plugins.Plugins",),
}
"""Documented objects by section."""


def face_page() -> str:
    """Return the page of the public names of `sim2real`."""
    return "\n".join([_FACE, *(f"::: sim2real.{name}\n" for name in face_names())])


def interfaces_page() -> str:
    """Return the page of the interfaces."""
    parts = [_INTERFACES]
    for section, names in INTERFACES.items():
        parts += [f"## {section}\n", *(f"::: {name}\n    options:\n      heading_level: 3\n" for name in names)]
    return "\n".join(parts)


def face_names() -> list[str]:
    """Return `__all__` of `sim2real`, without what is no function or class, read from the source."""
    module = ast.parse((ROOT / "sim2real" / "__init__.py").read_text(encoding="utf-8"))
    for node in module.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id == "__all__":
            names: list[str] = ast.literal_eval(node.value)  # type: ignore[attr-defined]
            return [name for name in names if not name.startswith("_")]
    return []
