"""One line of steps."""

import sys

text = sys.stdin.buffer.read()
good = 2 <= len(text) <= 22_000_001 and text.endswith(b"\n")
sys.exit(42 if good and not text[:-1].translate(None, b"NESW") else 1)
