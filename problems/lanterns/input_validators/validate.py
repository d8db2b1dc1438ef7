"""The size of the court and its tiles."""

import re
import sys

lines = sys.stdin.buffer.read().split(b"\n")
if lines.pop() != b"" or not lines or not re.fullmatch(rb"[1-9][0-9]?", lines[0]):
    sys.exit(1)
n, court = int(lines[0]), lines[1:]
good = n <= 60 and len(court) == n
sys.exit(42 if good and all(re.fullmatch(rb"[.#]{%d}" % n, row) for row in court) else 1)
