"""n and c, then n treasures; an argument may bound n further."""

import re
import sys

n_max = int(sys.argv[1]) if len(sys.argv) > 1 else 200
lines = sys.stdin.buffer.read().split(b"\n")
PAIR = re.compile(rb"[1-9][0-9]{0,4} [1-9][0-9]{0,4}")
if lines.pop() != b"" or not lines or not all(map(PAIR.fullmatch, lines)):
    sys.exit(1)
(n, c), *treasures = (tuple(map(int, line.split())) for line in lines)
good = n <= n_max and c <= 20_000 and len(treasures) == n
good = good and all(w <= 1000 and v <= 1000 for w, v in treasures)
sys.exit(42 if good and min(w for w, _ in treasures) <= c else 1)
