"""Rounds far too early."""
from math import hypot

duration = float(input())
one = map(float, input().split())
two = map(float, input().split())
x, y, u, v = (b - a for a, b in zip(one, two))
speed = u * u + v * v
when = min(max(-(x * u + y * v) / speed, 0), duration) if speed else 0
print(f"{hypot(x + when * u, y + when * v):.2f}")
