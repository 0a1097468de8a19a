"""The messages of a run's channels, for the log's file and for the live server."""

from typing import Any, Final

from sim2real.runtime.log_events import LogEvent
from sim2real.runtime.log_plan import LOG_LEVELS, Channel
from sim2real.runtime.row_layout import json_of

_NS_PER_S: Final = 1_000_000_000


def tick_message(channel: Channel, tick: dict[str, Any]) -> bytes:
    """Return the message of a tick on a channel.

    Args:
        channel: One with fields.
        tick: As `RowLayout.plain` makes it.
    """
    message = {name: tick[name] for name in channel.fields}
    if channel.joints:  # in the shape of sensor_msgs/JointState
        header = {"stamp": _stamp(tick["time_ns"]), "frame_id": ""}
        message = {"header": header, "name": channel.joints, **message}
    return json_of(message)


def event_message(event: LogEvent) -> bytes:
    """Return the message of an event or a notice, in the shape of Foxglove's `Log`."""
    return json_of(
        {
            "timestamp": _stamp(event.time_ns),
            "level": LOG_LEVELS[event.level],
            "message": event.message,
            "name": event.about,
            "file": "",
            "line": 0,
        }
    )


def _stamp(time_ns: int) -> dict[str, int]:
    seconds, rest = divmod(max(0, time_ns), _NS_PER_S)
    return {"sec": seconds, "nsec": rest}
