"""Laws of what is written during a run: it is kept, it never blocks, and it never raises."""

import os
import subprocess
import sys

PROGRAM = """
import os, sys, warnings, ctypes
from sim2real.runtime.operator.kept_output import KEPT_BYTES_MAX, KeptOutput, kept_output

kept = KeptOutput()
print("before")
before = sys.stderr
with kept_output(kept):
    print("printed")
    warnings.warn("warned")
    os.system("echo by a child")
    ctypes.CDLL(None).puts(b"by C")
    ctypes.CDLL(None).fflush(None)
    print("to the old stream", file=before, flush=True)
    assert not sys.stdout.isatty()
    if "much" in sys.argv:
        for _ in range(100):
            print("x" * 10_000)
            print("x" * 10_000, file=sys.stderr)
print("after")
print(len(kept.text), *[word in kept.text for word in ("printed", "warned", "by a child", "by C", "old stream")])
"""


def run(*arguments, **options):
    return subprocess.run([sys.executable, "-P", "-c", PROGRAM, *arguments], capture_output=True, text=True, **options)


def test_all_that_is_written_is_kept_whoever_writes_it():
    done = run()
    assert done.returncode == 0, done.stderr
    before, after, found = done.stdout.splitlines()
    assert (before, after) == ("before", "after")
    assert found.split()[1:] == ["True"] * 5
    assert done.stderr == ""


def test_what_is_too_much_is_dropped_and_nothing_raises():
    done = run("much")
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.splitlines()[-1].split()[0]) == 64 * 1024


def test_a_pipe_that_nobody_reads_holds_up_nothing():
    read, write = os.pipe()
    os.set_blocking(write, False)
    try:
        while True:
            os.write(write, b"x" * 65536)
    except BlockingIOError:
        pass
    os.set_blocking(write, True)
    program = PROGRAM.replace('print("before")', "").split('print("after")')[0] + "os._exit(7)"
    process = subprocess.Popen([sys.executable, "-P", "-c", program, "much"], stdout=write, stderr=write)
    try:
        assert process.wait(30) == 7
    finally:
        process.kill()
        os.close(read)
        os.close(write)
