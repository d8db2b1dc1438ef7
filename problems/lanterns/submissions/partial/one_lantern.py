"""A single lantern on the first free tile."""
import sys

_, *court = sys.stdin.read().split()
print("\n".join(court).replace(".", "*", 1))
