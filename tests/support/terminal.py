# SPDX-License-Identifier: Apache-2.0
"""A pseudo-terminal as stderr of the command, and what it shows."""
import fcntl
import os
import pty
import re
import struct
import termios
import threading
import time

from cli_support import LIMIT_S

# A redraw: it begins at the start of the first drawn line and returns there.
FRAME = re.compile(r"\r((?:[^\r\n\x1b]*\x1b\[K\r?\n?)+)\x1b\[J\r(?:\x1b\[\d+A)?")


def screen(text):
    """The lines that a terminal shows in the end. Cursor movements and erasing are obeyed; a line is
    as long as it was written, so it does not matter where the terminal wraps it."""
    lines, row, column = [""], 0, 0
    for part in re.split(r"(\x1b\[\d+A|\x1b\[[JK]|\r|\n)", text):
        up = re.fullmatch(r"\x1b\[(\d+)A", part)
        if up:
            row -= int(up.group(1))
            assert row >= 0, "the cursor left what was drawn"
        elif part == "\x1b[J":
            lines = lines[:row] + [lines[row][:column]]
        elif part == "\x1b[K":
            lines[row] = lines[row][:column]
        elif part == "\r":
            column = 0
        elif part == "\n":
            row += 1
            lines += [""] * (row == len(lines))
        else:
            assert "\x1b" not in part
            lines[row] = lines[row][:column] + part + lines[row][column + len(part):]
            column += len(part)
    return [line for line in lines if line]


class Terminal:
    """`text` is everything that was written to it so far, `theirs` the descriptor for stderr."""

    def __init__(self, columns=80, rows=24):
        self._ours, self.theirs = pty.openpty()
        self._changed = threading.Condition()
        self._text = b""
        self.resize(columns, rows)
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def resize(self, columns, rows=24):
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read(self):
        while True:
            try:
                data = os.read(self._ours, 65536)
            except OSError:  # the other side is closed
                return
            if not data:
                return
            with self._changed:
                self._text += data
                self._changed.notify_all()

    @property
    def text(self):
        return self._text.decode("utf-8", "replace")

    def frames(self):
        """All redraws so far, each as a list of lines."""
        return [re.findall(r"([^\r\n\x1b]*)\x1b\[K", frame) for frame in FRAME.findall(self.text)]

    def await_frame(self, condition):
        """Waits for a redraw from now on whose lines, as one text, fulfil the condition; returns the
        lines."""
        deadline = time.monotonic() + LIMIT_S
        with self._changed:
            seen = len(self.frames())
            while True:
                new = self.frames()[seen:]
                for frame in new:
                    if condition("\n".join(frame)):
                        return frame
                seen += len(new)
                assert time.monotonic() < deadline, f"no such lines in {self.text[-2000:]!r}"
                self._changed.wait(1)

    def close(self):
        os.close(self.theirs)
        self._thread.join()
        os.close(self._ours)
        return self.text
