"""The program `sim2real`: from its first import on, Ctrl-C is one word and an exit status."""

import contextlib
import os
import sys

from sim2real.ctrl_c import ctrl_c_is_heard

_INTERRUPTED = 130  # 128 + SIGINT, as in shells


def main() -> None:
    """Run the command line."""
    _open_standard_streams()
    with ctrl_c_is_heard() as pressed:
        try:
            from sim2real.commands.root import run

            run()
        except (KeyboardInterrupt, Exception) as error:  # modules in C make others of a Ctrl-C while they are imported
            if not pressed and not isinstance(error, KeyboardInterrupt):
                raise
            _say_interrupted()
        finally:
            # Python ends itself by SIGINT, whatever status is asked for, after one that an `exec` of text has passed
            # on, as those of `dataclasses` do; the next `exec` forgets it.
            exec("pass")  # noqa: S102


def _say_interrupted() -> None:
    """Without the parts of the command line: what was being imported may be half there."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write("interrupted\n")
        sys.stderr.flush()
    sys.exit(_INTERRUPTED)


def _open_standard_streams() -> None:
    """Open /dev/null in place of standard streams that were closed before the program began.

    Else the next files get their numbers: what any library writes to standard error would go to a motor bus.
    """
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - to the end


if __name__ == "__main__":
    main()
