"""Laws of the shared ring: nothing waits, a row is whole or not there, and a slow reader knows what it lost."""

import json
import os
import subprocess
import sys
import textwrap
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real.runtime.ring import RingReader, SharedRing
from sim2real.runtime.row_layout import RowLayout

LAYOUT = RowLayout(
    np.dtype(
        [("tick", np.int64), ("ran", np.bool_), ("values", np.float64, (3,)), ("flags", np.int64, (2,))], align=True
    ),
    {},
    {"flags": {1: "LOW", 4: "HIGH"}},
)


def row_of(number: int) -> bytearray:
    row = np.zeros((), LAYOUT.dtype)
    row["tick"], row["ran"], row["values"], row["flags"] = number, number % 2, [number, 0.5, np.nan], [number, 5]
    return bytearray(row.tobytes())


@pytest.fixture
def ring():
    with closing(SharedRing(LAYOUT, 8)) as made:
        yield made


def ticks(reader: RingReader) -> list[int]:
    taken = []
    while (row := reader.pop()) is not None:
        taken.append(int(row["tick"]))
    return taken


def test_rows_come_out_in_order_and_to_the_bit(ring):
    reader = RingReader(ring.fd)
    assert reader.pop() is None
    assert reader.latest() is None
    for number in range(5):
        ring.push(row_of(number))
    rows = [reader.pop() for _ in range(5)]
    assert [row.tobytes() for row in rows] == [bytes(row_of(number)) for number in range(5)]
    assert reader.pop() is None
    assert reader.lost == 0


def test_each_reader_has_its_own_place(ring):
    first, second = RingReader(ring.fd), RingReader(ring.fd)
    for number in range(3):
        ring.push(row_of(number))
    assert ticks(first) == [0, 1, 2]
    ring.push(row_of(3))
    assert ticks(second) == [0, 1, 2, 3]
    assert ticks(first) == [3]


def test_the_newest_row_is_there_whatever_was_taken(ring):
    reader = RingReader(ring.fd)
    for number in range(20):
        ring.push(row_of(number))
        newest = reader.latest()
        assert newest is not None
        assert newest["tick"] == number
    assert reader.lost == 0  # nobody asked for the others
    assert ticks(reader) == list(range(12, 20))
    assert reader.lost == 12


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 12)), max_size=20), st.integers(1, 9))
def test_a_slow_reader_loses_the_oldest_rows_and_knows_how_many(steps, capacity):
    with closing(SharedRing(LAYOUT, capacity)) as ring:
        reader, pushed, taken = RingReader(ring.fd), 0, []
        for pushes, pops in steps:
            for _ in range(pushes):
                ring.push(row_of(pushed))
                pushed += 1
            taken += [int(row["tick"]) for _ in range(pops) if (row := reader.pop()) is not None]
        taken += ticks(reader)
        assert taken == sorted(set(taken))
        assert len(taken) + reader.lost == pushed
        assert taken[-min(capacity, pushed) :] == list(range(max(0, pushed - capacity), pushed))


def test_a_row_that_is_being_overwritten_is_not_taken(ring):
    """Half of the new row over half of the old one: what a reader sees when it is interrupted in its copy."""
    reader = RingReader(ring.fd)
    for number in range(3):
        ring.push(row_of(number))
    memory = ring_memory(ring)
    at = memory.find(bytes(row_of(1)))
    memory[at + 8 : at + 16] = b"\xff" * 8
    taken = [row["tick"] for row in (reader.pop() for _ in range(12)) if row is not None]
    assert taken == [0, 2]
    assert reader.lost == 1


def ring_memory(ring):
    """The ring's memory as another writer would have it."""
    import mmap

    writable = os.open(f"/proc/self/fd/{ring.fd}", os.O_RDWR)
    try:
        return mmap.mmap(writable, 0)
    finally:
        os.close(writable)


def test_a_reader_cannot_write(ring):
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.write(ring.fd, b"x")
    with pytest.raises((OSError, ValueError)):
        os.ftruncate(ring.fd, 0)


def test_the_end_is_seen(ring):
    reader = RingReader(ring.fd)
    assert not reader.ended
    ring.push(row_of(0))
    ring.end()
    assert reader.ended
    assert ticks(reader) == [0]  # what was written before stays
    ring.close()
    ring.close()
    assert reader.latest() is not None


def test_another_file_is_no_ring(tmp_path):
    path = tmp_path / "other"
    path.write_bytes(bytes(8192))
    with path.open("rb") as file, pytest.raises(ValueError, match="not a ring"):
        RingReader(file.fileno())


def test_the_layout_survives_its_text():
    again = RowLayout.of_text(LAYOUT.to_text())
    assert again == LAYOUT
    assert json.loads(LAYOUT.to_text())


def test_names_stand_for_values_and_bits():
    layout = RowLayout(LAYOUT.dtype, {"tick": {3: "three"}}, LAYOUT.bits)
    (row,) = np.frombuffer(row_of(3), layout.dtype)
    plain = layout.plain(row)
    assert plain["tick"] == "three"
    assert plain["flags"] == [["LOW", "2"], ["LOW", "HIGH"]]
    (row,) = np.frombuffer(row_of(4), layout.dtype)
    assert layout.plain(row)["tick"] == "4"  # of another version: by its number


def test_a_reader_imports_neither_the_policy_nor_the_schemas():
    heavy = ("onnxruntime", "pydantic", "rich", "serial")
    program = f"import sys, sim2real.runtime.ring; print([each for each in {heavy} if each in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.realtime
def test_readers_in_other_processes_take_whole_rows_only():
    """The writer laps its readers again and again; no row they take is a mixture of two."""
    program = """
        import sys
        from sim2real.runtime.ring import RingReader
        reader, taken, mixed, last = RingReader(int(sys.argv[1])), 0, 0, -1
        print("reads", flush=True)
        while True:
            row = reader.pop()
            if row is None:
                if reader.ended and reader.next >= reader.written:
                    break
                continue
            taken += 1
            mixed += not (row["tick"] == row["values"][0] == row["flags"][0] and row["tick"] > last)
            last = row["tick"]
        print(taken, mixed, reader.lost, taken + reader.lost == reader.written)
    """
    with closing(SharedRing(LAYOUT, 4)) as ring:
        readers = [
            subprocess.Popen(
                [sys.executable, "-c", textwrap.dedent(program), str(ring.fd)],
                stdout=subprocess.PIPE,
                text=True,
                pass_fds=(ring.fd,),
            )
            for _ in range(2)
        ]
        for reader in readers:
            assert reader.stdout.readline() == "reads\n"
        rows = [row_of(number) for number in range(30_000)]
        for row in rows:
            ring.push(row)
        ring.end()
        for reader in readers:
            taken, mixed, lost, all_counted = reader.communicate(timeout=60)[0].split()
            assert int(taken) > 0
            assert mixed == "0"
            assert all_counted == "True"
            assert int(taken) + int(lost) == 30_000
