"""`live_server`: a run as it happens, for Foxglove, served by a process beside it on this machine alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.log_channels import log_plan
from sim2real.runtime.operator.beside import BesideProcess

_MODULE: Final = "sim2real.runtime.live_server_main"


@contextmanager
def live_server(contract: Contract, ring: int, port: int) -> Iterator[str]:
    """Serve the ticks of a run for the duration of the block.

    Args:
        contract: The policy's.
        ring: Descriptor of the ring of the run's ticks.
        port: TCP port on the loopback interface; 0 for any free one.

    Yields:
        The address to open in Foxglove.

    Raises:
        UserError: The extra `foxglove` is not installed, or the port is taken.
    """
    plan = log_plan(contract, {})
    process = BesideProcess(_MODULE, {"plan": plan.to_text(), "ring": ring, "port": port}, (ring,), own_group=True)
    try:
        yield str(process.answer["address"])
    finally:
        process.stop()
