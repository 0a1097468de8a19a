"""A picture and a table beside the log of a run: what a person looks at first."""

import importlib.util
from pathlib import Path
from typing import Any

from sim2real.configs.errors import UserError
from sim2real.runtime.log import RunLog, read_log

_TABLE_S = 2.0
_FIELDS = ("position", "velocity", "effort", "command_position", "command_effort")


def keep_log(path: Path) -> None:
    """Write picture and last seconds of a log beside it, `NAME.png` and `NAME.txt`; a log that cannot be read says why.

    The picture needs matplotlib, which the extra `train` installs.
    """
    table = path.with_suffix(".txt")
    try:
        log = read_log(path)
    except UserError as error:
        table.write_text(f"{error}\n", encoding="utf-8")
        return
    table.write_text(_last_seconds(log), encoding="utf-8")
    if log.ticks and importlib.util.find_spec("matplotlib") is not None:
        _draw(path.with_suffix(".png"), log)


def _last_seconds(log: RunLog) -> str:
    """Return the last seconds as a table: a line a tick, columns of every joint."""
    names = log.contract.joint_names
    heads = ["time s", "state", *(f"{name}.{field}" for name in names for field in _FIELDS[:3])]
    rows = [heads]
    if log.ticks:
        first, last = log.ticks[0]["time_ns"], log.ticks[-1]["time_ns"]
        for tick in log.ticks:
            if tick["time_ns"] >= last - _TABLE_S * 1e9:
                cells = [_shown(tick[field][at]) for at in range(len(names)) for field in _FIELDS[:3]]
                rows.append([f"{(tick['time_ns'] - first) / 1e9:.3f}", tick["state"], *cells])
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    events = [f"{event}" for event in log.events[-20:]]
    return "\n".join([*lines, "", "last events:", *events]) + "\n"


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _draw(path: Path, log: RunLog) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    first = log.ticks[0]["time_ns"]
    time = [(tick["time_ns"] - first) / 1e9 for tick in log.ticks]
    figure = Figure(figsize=(10.0, 8.0), layout="constrained")
    FigureCanvasAgg(figure)
    panels: Any = figure.subplots(4, 1, sharex=True)
    for panel, field, unit in zip(panels, _FIELDS[:3], ("rad", "rad/s", "N·m"), strict=False):
        for at, name in enumerate(log.contract.joint_names):
            values = [float("nan") if tick[field][at] is None else tick[field][at] for tick in log.ticks]
            panel.plot(time, values, linewidth=1.0, label=name)
        panel.set_ylabel(f"{field}\n{unit}", fontsize=8)
    panels[0].legend(fontsize=6, ncols=2, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    states = list(dict.fromkeys(tick["state"] for tick in log.ticks))
    panels[3].step(time, [states.index(tick["state"]) for tick in log.ticks], where="post")
    panels[3].set_yticks(range(len(states)), states)
    panels[3].set_xlabel("time since the first tick, s")
    figure.savefig(path, dpi=110)
