"""The machine's four numbers, and that it does not play too many songs."""

import re
import sys

text = sys.stdin.buffer.read()
NUMBER = rb"(0|[1-9][0-9]{0,9})"
match = re.fullmatch(b" ".join([NUMBER] * 4) + b"\n", text)
if not match:
    sys.exit(1)
m, a, c, x = map(int, match.groups())
if not (1 <= m <= 2 * 10**9 and a < m and c < m and x < m):
    sys.exit(1)
songs = set()
while x not in songs and len(songs) <= 2_000_000:
    songs.add(x)
    x = (a * x + c) % m
sys.exit(42 if len(songs) <= 2_000_000 else 1)
