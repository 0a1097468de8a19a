"""Reference of the YAML files: one page a kind, one table a class of the schema."""

from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import Annotated, Any, get_args, get_origin

from generate.field_text import default_text, taken
from generate.text import one_line
from sim2real.configs.library import shipped
from sim2real.configs.load import SCHEMAS
from sim2real.configs.schema.base import Config, Reference

FOLDER = "reference/yaml"
"""Of the pages, in the documentation."""

TITLES = {
    "motors": "Motor",
    "robots": "Robot",
    "tasks": "Task",
    "randomization": "Randomization",
    "experiments": "Experiment",
    "faults": "Faults",
    "scenarios": "Scenario",
    "targets": "Flash target",
    "transfers": "Transfer study",
    "gymnasium": "Gymnasium run",
}
"""Title of the page of each kind."""


def pages() -> dict[str, str]:
    """Return the pages by their paths."""
    owner = owners()
    return {f"{FOLDER}/{kind}.md": _page(kind, owner) for kind in SCHEMAS}


def owners() -> dict[type[Config], str]:
    """Return, for each class of the schema, the kind on whose page it is described.

    A class is described with the kind that writes it in place; a reference to another file leads to the other page.
    """
    _load_families()
    found: dict[type[Config], str] = {config: kind for kind, config in SCHEMAS.items()}
    for kind, config in SCHEMAS.items():
        for below in _reached(config, set(SCHEMAS.values())):
            found.setdefault(below, kind)
    return found


def _load_families() -> None:
    """Load the families of this project: each brings a class of its own for the registers of its motors."""
    for entry in entry_points(group="sim2real.motor_families"):
        if entry.value.startswith("sim2real."):
            entry.load()


def _reached(config: type[Config], roots: set[type[Config]]) -> Iterator[type[Config]]:
    """Yield a class, its subclasses, and those that its fields hold in place, depth first, each once."""
    seen: set[type[Config]] = set()

    def visit(current: type[Config]) -> Iterator[type[Config]]:
        if current in seen or (current in roots and current is not config):
            return
        seen.add(current)
        yield current
        for narrower in current.__subclasses__():
            yield from visit(narrower)
        for info in current.model_fields.values():
            if not any(isinstance(item, Reference) for item in info.metadata):
                for inner in _configs_in(info.annotation):
                    yield from visit(inner)

    return visit(config)


def _configs_in(annotation: Any) -> Iterator[type[Config]]:  # noqa: ANN401 - any type form
    if isinstance(annotation, type) and issubclass(annotation, Config):
        yield annotation
    elif get_origin(annotation) is Annotated:
        yield from _configs_in(get_args(annotation)[0])
    else:
        for argument in get_args(annotation):
            yield from _configs_in(argument)


def _page(kind: str, owner: dict[type[Config], str]) -> str:
    root = SCHEMAS[kind]
    link = {config: f"{'' if of == kind else of + '.md'}#{_anchor(config)}" for config, of in owner.items()}
    names = ", ".join(f"`{name}`" for name in shipped(kind))
    parts = [
        f"# {TITLES[kind]}",
        f"Files in `configs/{kind}/`, or your own by path. Shipped: {names}." if names else "None is shipped.",
        f"`sim2real config show {kind} NAME` checks one and prints it in full.",
    ]
    classes = [config for config in _reached(root, set(SCHEMAS.values())) if owner[config] == kind]
    parts += [_section(config, link) for config in classes]
    return "\n\n".join(parts) + "\n"


def _section(config: type[Config], link: dict[type[Config], str]) -> str:
    doc = (config.__doc__ or "").strip().split("\n\n")
    lines = [f"## {config.__name__} {{#{_anchor(config)}}}", "", *(one_line(part) + "\n" for part in doc)]
    if not config.model_fields:
        return "\n".join([*lines, "No keys."])
    lines += ["| key | takes | default | is |", "|---|---|---|---|"]
    for name, info in config.model_fields.items():
        what = taken(info.annotation, tuple(info.metadata), link)
        cells = (
            f"`{name}`",
            ", ".join((what.kind, *what.limits)),
            default_text(info, what.unit),
            one_line(info.description or ""),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _anchor(config: type[Config]) -> str:
    return config.__name__.lower()
