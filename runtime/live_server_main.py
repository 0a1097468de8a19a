"""The live server's program: hands the ticks of a run to whoever watches with Foxglove. It only reads.

It listens on the loopback interface. A viewer that is slow loses messages; the loop never waits for it.
"""

import json
import select
import signal
import sys
import time
from typing import Any, Final

from sim2real.runtime.log_events import EventFinder
from sim2real.runtime.log_messages import event_message, tick_message
from sim2real.runtime.log_plan import CONTRACT, EVENTS, LogPlan
from sim2real.runtime.operator.life import Life, answer
from sim2real.runtime.ring import RingReader

_PERIOD_S: Final = 0.02
_CONTRACT_PERIOD_S: Final = 5.0  # for viewers that come later
_HOST: Final = "127.0.0.1"


def main() -> None:
    """Serve until the run ends."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    life = Life()
    try:
        import foxglove
    except ModuleNotFoundError:
        answer({"error": "the live server needs another package; valid: pip install 'sim2real[foxglove]'"})
        return
    port = int(life.task["port"])
    try:
        server = foxglove.start_server(name="sim2real", host=_HOST, port=port)
    except (OSError, RuntimeError) as error:
        answer({"error": f"the live server cannot listen on port {port}: {str(error).splitlines()[0]}"})
        return
    answer({"address": f"ws://{_HOST}:{server.port}"})
    try:
        serve(life, LogPlan.of_text(life.task["plan"]), RingReader(int(life.task["ring"])), foxglove)
    finally:
        server.stop()


def serve(life: Life, plan: LogPlan, ring: RingReader, foxglove: Any) -> None:  # noqa: ANN401 - an optional package
    """Hand over ticks as they come, until the run ends."""
    channels = {
        each.topic: foxglove.Channel(
            each.topic,
            schema=foxglove.Schema(name=each.schema_name, encoding="jsonschema", data=each.schema.encode()),
            message_encoding="json",
            metadata=each.metadata,
        )
        for each in plan.channels
    }
    of_ticks = [(each, channels[each.topic]) for each in plan.channels if each.fields]
    finder = EventFinder(next((each.joints for each in plan.channels if each.joints), ()))
    contract_due = 0.0
    while not (select.select([life.descriptor], [], [], _PERIOD_S)[0] or life.over()):
        while (row := ring.pop()) is not None:
            tick = ring.layout.plain(row)
            for channel, sink in of_ticks:
                if sink.has_sinks():
                    sink.log(tick_message(channel, tick), log_time=tick["time_ns"])
            for event in finder.of_tick(tick):
                channels[EVENTS].log(event_message(event), log_time=event.time_ns)
            if time.monotonic() >= contract_due:
                contract_due = time.monotonic() + _CONTRACT_PERIOD_S
                channels[CONTRACT].log(json.loads(plan.contract), log_time=tick["time_ns"])


if __name__ == "__main__":
    main()
    sys.exit(0)
