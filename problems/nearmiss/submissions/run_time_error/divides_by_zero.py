"""Never thought of two drones that fly side by side."""
from math import hypot

duration = float(input())
one = map(float, input().split())
two = map(float, input().split())
x, y, u, v = (b - a for a, b in zip(one, two))
when = min(max(-(x * u + y * v) / (u * u + v * v), 0), duration)
print(hypot(x + when * u, y + when * v))
