"""The live view of a run as text for a terminal of any size."""

from collections.abc import Sequence
from math import isfinite
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sim2real.runtime.operator.run_state import RunState

SEPARATOR: Final = " · "
"""Between keys."""

_STYLES: Final = {
    "LIMP": "cyan",
    "READY": "yellow",
    "RUNNING": "bold green",
    "DAMPING": "bold yellow",
    "FAULT": "bold white on red",
    "ESTOP": "bold white on red",
}
_WARM_C: Final = 10.0  # below the limit: shown in yellow
_WIDE: Final = 100
_EVENTS_SHOWN: Final = 2


def live_text(state: RunState, keys: str, *, height: int, width: int) -> RenderableType:
    """Return the view: what fits in so many lines and columns, the most important first."""
    lines: list[Text] = [_headline(state), _figures(state)]
    if state.fault:
        lines.append(Text(f"fault           {', '.join(state.fault)}", "bold red"))
    if state.tick is not None and state.briefing.commands:
        lines.append(_commands(state))
    if state.interventions:
        lines.append(_interventions(state))
    lines += [Text(f"                {event}", "dim") for event in list(state.events)[-_EVENTS_SHOWN:]]
    for line in lines:
        line.no_wrap, line.overflow = True, "ellipsis"
    last = [Text(line, "dim") for line in _packed(keys.split(SEPARATOR), width)]
    rows_max = height - len(lines) - len(last) - 2  # the table's head, and the line of the cursor
    if state.tick is None or rows_max < 1:
        return Group(*[*lines, *last][: max(height - 1, 1)])
    return Group(*lines, _joints(state, rows_max, wide=width >= _WIDE), *last)


def _packed(words: Sequence[str], width: int) -> list[str]:
    """Return words in as few lines as the width allows."""
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + len(SEPARATOR) + len(word) <= width:
            lines[-1] += SEPARATOR + word
        else:
            lines.append(word[:width])
    return lines


def _headline(state: RunState) -> Text:
    briefing, name = state.briefing, state.state
    text = Text()
    text.append(f" {name or 'CONNECTING'} ", _STYLES.get(name or "", "bold"))
    if name == "LIMP" and briefing.waits:
        text.append(" waits for start")
    of = "" if briefing.duration is None else f" of {briefing.duration:g} s"
    text.append(f"  {state.policy_time:.1f} s{of}  {briefing.robot} · {briefing.task}")
    return text


def _figures(state: RunState) -> Text:
    rate = "–" if state.rate is None else f"{state.rate:.1f}"
    tick = 0 if state.tick is None else state.tick["tick"]
    text = Text(f"ticks           {tick} at {rate} of {state.briefing.control_rate:g} Hz, missed ")
    text.append(str(state.missed), "yellow" if state.missed else "")
    return text


def _commands(state: RunState) -> Text:
    values = [] if state.tick is None else state.tick.get("asked", [])
    pairs = zip(state.briefing.commands, values, strict=False)
    return Text("commands        " + "  ".join(f"{command.name} {value:+.2f}" for command, value in pairs))


def _interventions(state: RunState) -> Text:
    named = ", ".join(f"{name} {count}" for name, count in state.interventions.most_common())
    return Text(f"interventions   {named}", "yellow")


def _joints(state: RunState, rows_max: int, *, wide: bool) -> Table:
    """Return the table of the joints; the hottest of them when not all fit."""
    tick: dict[str, Any] = dict(state.tick or {})
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("joint", no_wrap=True, overflow="ellipsis", min_width=8)
    heads = ("rad", *(("to rad", "rad/s") if wide else ()), "N·m", "°C", "V")
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True, width=7)
    table.add_column("", no_wrap=True, overflow="ellipsis", ratio=1)
    for place in _shown(tick["temperature"], rows_max):
        cells = [_number(tick["position"][place], 3)]
        if wide:
            cells += [_number(state.target(place), 3), _number(tick["velocity"][place], 2)]
        cells += [_number(tick["effort"][place], 2)]
        table.add_row(
            state.briefing.joints[place],
            *cells,
            _temperature(tick["temperature"][place], state.briefing.temperature_max),
            _voltage(tick["voltage"][place], state.briefing.voltage_ranges[place]),
            _remarks(tick, place),
        )
    return table


def _shown(temperatures: Sequence[float | None], rows_max: int) -> list[int]:
    places = list(range(len(temperatures)))
    if len(places) <= rows_max:
        return places
    hottest = sorted(places, key=lambda place: -_known(temperatures[place]))[:rows_max]
    return sorted(hottest)


def _remarks(tick: dict[str, Any], place: int) -> Text:
    faults = tick["faults"][place]
    words = [] if tick["fresh"][place] else ["no answer"]
    if faults:
        words.append(f"motor: {', '.join(faults) if isinstance(faults, list) else faults}")
    words += tick["interventions"][place]
    return Text(", ".join(words), "yellow")


def _temperature(value: float | None, limit: float) -> Text:
    known = _known(value)
    style = "bold red" if known > limit else "yellow" if known > limit - _WARM_C else ""
    return Text(_number(value, 0), style)


def _voltage(value: float | None, valid: tuple[float, float]) -> Text:
    known = value is not None and isfinite(value)
    return Text(_number(value, 1), "bold red" if known and not valid[0] <= (value or 0.0) <= valid[1] else "")


def _known(value: float | None) -> float:
    return value if value is not None and isfinite(value) else float("-inf")


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None or not isfinite(value) else f"{value:.{digits}f}"
