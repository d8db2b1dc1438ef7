"""Has heard of one argument only."""
import sys

wheel = open("wheel.txt").read().strip()
key = int(sys.argv[2])
for line in sys.stdin:
    print("".join(wheel[(wheel.index(c) + key) % 26] if c in wheel else c for c in line), end="")
