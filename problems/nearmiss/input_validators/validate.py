"""A duration and two drones, every number with three decimals and within its range."""

import re
import sys

text = sys.stdin.buffer.read()
number = rb"-?(?:0|[1-9][0-9]{0,3})\.[0-9]{3}"
drone = rb" ".join([number] * 4)
if not re.fullmatch(number + rb"\n" + drone + rb"\n" + drone + rb"\n", text):
    sys.exit(1)
if re.search(rb"-0\.000(?![0-9])", text):
    sys.exit(1)
duration, *rest = map(float, text.split())
sys.exit(42 if 0 <= duration <= 1000 and all(abs(x) <= 1000 for x in rest) else 1)
