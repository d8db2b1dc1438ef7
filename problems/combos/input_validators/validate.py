"""n, k and the colours, within the bounds given as arguments: n_max [k_max [colour_max]]."""

import re
import sys

n_max, k_max, colour_max = (list(map(int, sys.argv[1:])) + [10**9] * 3)[:3]
lines = sys.stdin.buffer.read().split(b"\n")
NUMBER = rb"[1-9][0-9]{0,9}"
if len(lines) != 3 or lines[2] or not re.fullmatch(NUMBER + b" " + NUMBER, lines[0]):
    sys.exit(1)
if not re.fullmatch(NUMBER + b"(?: " + NUMBER + b")*", lines[1]):
    sys.exit(1)
n, k = map(int, lines[0].split())
colours = list(map(int, lines[1].split()))
good = n <= min(n_max, 100_000) and k <= min(k_max, n) and len(colours) == n
sys.exit(42 if good and max(colours) <= colour_max else 1)
