"""n and m, then m pairs of different players."""

import re
import sys

lines = sys.stdin.buffer.read().split(b"\n")
PAIR = re.compile(rb"(0|[1-9][0-9]{0,5}) (0|[1-9][0-9]{0,5})")
if lines.pop() != b"" or not lines or not all(map(PAIR.fullmatch, lines)):
    sys.exit(1)
(n, m), *pairs = (tuple(map(int, line.split())) for line in lines)
if not (1 <= n <= 20_000 and 0 <= m <= 40_000 and len(pairs) == m):
    sys.exit(1)
sys.exit(42 if all(1 <= a <= n and 1 <= b <= n and a != b for a, b in pairs) else 1)
