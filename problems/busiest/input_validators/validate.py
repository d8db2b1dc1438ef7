"""n and w, then n moments; the largest n is a constant of the package."""

import re
import sys

N_MAX = int("{{n_max}}")

head, _, rest = sys.stdin.buffer.read().partition(b"\n")
NUMBER = rb"(?:0|[1-9][0-9]{0,9})"
if not re.fullmatch(NUMBER + rb" " + NUMBER, head):
    sys.exit(1)
n, w = map(int, head.split())
if not (1 <= n <= N_MAX and 1 <= w <= 10**9):
    sys.exit(1)
if not re.fullmatch(NUMBER + rb"(?: " + NUMBER + rb")*\n", rest):
    sys.exit(1)
moments = list(map(int, rest.split()))
sys.exit(42 if len(moments) == n and max(moments) <= 10**9 else 1)
