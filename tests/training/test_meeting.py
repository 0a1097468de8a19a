"""Laws of the meeting of processes: each start has keys of its own, whatever earlier starts left in the store."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from torch.distributed import HashStore

from sim2real.configs.errors import UserError
from sim2real.training.meeting import meet


def met(store, size=3):
    """What each process of a start, a thread here, writes under one key."""
    with ThreadPoolExecutor(size) as threads:
        parts = list(threads.map(lambda rank: meet(store, rank, size, 60.0), reversed(range(size))))
    return parts[::-1]


def test_the_processes_of_a_start_share_keys_that_those_of_an_earlier_start_do_not_see():
    store = HashStore()
    earlier, later = met(store), met(store)
    earlier[1].set("address", "gone")
    assert not any(part.check(["address"]) for part in later)
    later[0].set("address", "here")
    assert [part.get("address") for part in later] == [b"here"] * 3
    assert [part.get("address") for part in earlier] == [b"gone"] * 3


def test_a_process_that_was_killed_while_it_waited_does_not_stand_for_its_successor():
    store = HashStore()
    with pytest.raises(UserError, match=r"process 1 of 2: the first one did not come within 0\.05 s"):
        meet(store, 1, 2, 0.05)
    with pytest.raises(UserError, match=r"process 0 of 2: process 1 did not come within 0\.1 s"):
        meet(store, 0, 2, 0.1)
    one, other = met(store, 2)
    one.set("key", "value")
    assert other.get("key") == b"value"
