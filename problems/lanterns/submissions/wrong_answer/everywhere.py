"""A lantern on every free tile."""
import sys

_, *court = sys.stdin.read().split()
print("\n".join(court).replace(".", "*"))
