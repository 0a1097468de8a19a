"""Slots as plain data for `--json`, and as lines for people."""

from dataclasses import asdict
from typing import Any

from rich.markup import escape

from sim2real.runtime.flash.results import Installed
from sim2real.runtime.flash.target import Slot

_DIGEST_SHOWN = 12


def slot_document(slot: Slot, *, active: bool) -> dict[str, Any]:
    """Return a slot as JSON data; `state` is complete, damaged or empty."""
    document: dict[str, Any] = {
        "slot": slot.name,
        "active": active,
        "state": "empty" if slot.empty else "complete" if slot.complete else "damaged",
        "problem": slot.problem,
    }
    if slot.image is not None:
        return document | asdict(slot.image)
    return document | (slot.manifest.model_dump(mode="json", exclude={"format"}) if slot.manifest else {})


def installed_document(result: Installed) -> dict[str, Any]:
    """Return what a flash or rollback has left active, and what was before."""
    previous = result.previous
    return {
        "installed": slot_document(result.slot, active=True),
        "previous": slot_document(previous, active=previous.name == result.slot.name) if previous else None,
        "on_trial": result.on_trial,
        "warnings": list(result.warnings),
    }


def slot_line(slot: Slot, *, active: bool) -> str:
    """Return a slot as one line of rich markup."""
    mark = "[green]active[/green]  " if active else "        "
    if slot.empty:
        return f"{mark}{slot.name}  empty"
    if slot.image is not None:
        told = f"{slot.image.size} bytes, SHA-256 {slot.image.sha256[:_DIGEST_SHOWN]}…"
        return f"{mark}{slot.name}  {told}" + (
            " verified" if slot.complete else f"  [red]{escape(str(slot.problem))}[/red]"
        )
    if slot.manifest is None:
        return f"{mark}{slot.name}  [red]damaged[/red]: {escape(str(slot.problem))}"
    manifest = slot.manifest
    steps = manifest.provenance.get("steps")
    text = (
        f"{mark}{slot.name}  {manifest.task} for {manifest.robot}{f', {steps} steps' if steps else ''}, "
        f"installed {manifest.installed:%Y-%m-%d %H:%M:%S} UTC, SHA-256 {manifest.sha256[:_DIGEST_SHOWN]}…"
        f"{f', signed by {manifest.signed_by}' if manifest.signed_by else ''}"
    )
    return text + (" verified" if slot.complete else f"  [red]damaged[/red]: {escape(str(slot.problem))}")
