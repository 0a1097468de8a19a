"""A program on a pseudo-terminal that controls it: what a person at a terminal sees and types."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time

# What a shell does: it leads the session, and gives the terminal to a job in a process group of its own.
_SHELL = """
import fcntl, os, signal, sys, termios
status = int(sys.argv[1])
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
pid = os.fork()
if pid == 0:
    os.close(status)
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpgrp())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    os.execvp(sys.argv[2], sys.argv[2:])
os.write(status, b"%d " % pid)
ended = os.waitpid(pid, 0)[1]
os.tcsetpgrp(0, os.getpgrp())
os.write(status, b"%d " % os.waitstatus_to_exitcode(ended))
signal.pause()
"""


class Terminal:
    """Reads only when it is told to."""

    def __init__(self, *command, columns=80, lines=24, environment=None) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.settings = termios.tcgetattr(slave)
        self._slave = slave
        self._status, told = os.pipe()
        os.set_blocking(self._status, False)
        self._said = b""
        variables = {"TERM": "xterm-256color", **(environment or {})}
        self._shell = subprocess.Popen(
            [sys.executable, "-c", _SHELL, str(told), *map(str, command)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            pass_fds=(told,),
            env={key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")} | variables,
        )
        os.close(told)
        self.seen = ""
        while len(self._words()) < 1:
            time.sleep(0.01)
        self.pid = self._words()[0]
        """Of the program."""

    @property
    def status(self):
        """Exit status of the program; None while it runs."""
        words = self._words()
        return words[1] if len(words) > 1 else None

    def _words(self):
        with contextlib.suppress(BlockingIOError):
            self._said += os.read(self._status, 100)
        return [int(word) for word in self._said.split()]

    def read(self, seconds=0.1):
        """Read what comes for so long; return everything seen."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if select.select([self.master], [], [], left)[0]:
                self.seen += os.read(self.master, 65536).decode("utf-8", "replace")
        return self.seen

    def wait_for(self, text, seconds=30.0):
        """Read until a text has been seen."""
        deadline = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < deadline, f"{text!r} was not seen in: {self.seen[-3000:]}"
            self.read(0.05)

    def type(self, text):
        os.write(self.master, text.encode())

    def settings_now(self):
        return termios.tcgetattr(self._slave)

    def end(self, seconds=30.0):
        """Read until the program has ended; return its exit status."""
        deadline = time.monotonic() + seconds
        while self.status is None and time.monotonic() < deadline:
            self.read(0.05)
        assert self.status is not None, f"still running: {self.seen[-3000:]}"
        self.read(0.2)
        return self.status

    def close(self):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
        self._shell.kill()
        self._shell.wait()
        for descriptor in (self.master, self._slave, self._status):
            os.close(descriptor)
