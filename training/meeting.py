"""Where processes that learn together meet: a store of this start alone, whatever earlier ones left behind.

torchrun keeps one store over its restarts. In it are the addresses of processes that are gone, and gloo would try to
connect to them. The first process therefore gives each start a name; keys of the start stand behind it.

    process r            hello/r = its own name, different at each start
    the first process    welcome/NAME = name of the start, to every hello, until here/START/r is there
    process r            here/START/r
"""

import time
from datetime import timedelta
from typing import Final
from uuid import uuid4

from torch.distributed import DistError, PrefixStore, Store  # type: ignore[attr-defined]  # documented, not marked

from sim2real.configs.errors import UserError

PATIENCE_S: Final = 600.0
"""How long processes wait for each other: on a busy machine one imports for a minute."""
_PAUSE_S: Final = 0.02


def meet(store: Store, rank: int, size: int, patience_s: float = PATIENCE_S) -> PrefixStore:
    """Return the part of a store that the processes of this start share.

    Args:
        store: A store that all of them reach; it may have been used before.
        rank: Number of this process.
        size: How many there are.
        patience_s: How long to wait for the others, s.

    Raises:
        UserError: The others did not come.
    """
    own = uuid4().hex
    if rank:
        store.set(f"hello/{rank}", own)
        try:
            store.wait([f"welcome/{own}"], timedelta(seconds=patience_s))
        except DistError as error:
            raise UserError(f"process {rank} of {size}: the first one did not come within {patience_s:g} s") from error
        start = store.get(f"welcome/{own}").decode()
        store.set(f"here/{start}/{rank}", "")
        return PrefixStore(start, store)
    missing, until = set(range(1, size)), time.monotonic() + patience_s
    while missing:
        for other in sorted(missing):
            if store.check([f"here/{own}/{other}"]):
                missing.remove(other)
            elif store.check([f"hello/{other}"]):
                store.set(f"welcome/{store.get(f'hello/{other}').decode()}", own)
        if missing and time.monotonic() > until:
            numbers = ", ".join(map(str, sorted(missing)))
            raise UserError(f"process 0 of {size}: process {numbers} did not come within {patience_s:g} s")
        time.sleep(_PAUSE_S)
    return PrefixStore(own, store)
