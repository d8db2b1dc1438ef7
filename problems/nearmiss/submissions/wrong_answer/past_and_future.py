"""Forgets that the cameras roll from 0 to T only."""
from math import hypot

input()
one = map(float, input().split())
two = map(float, input().split())
x, y, u, v = (b - a for a, b in zip(one, two))
speed = u * u + v * v
when = -(x * u + y * v) / speed if speed else 0
print(hypot(x + when * u, y + when * v))
