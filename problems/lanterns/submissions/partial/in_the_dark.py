"""No lantern at all: accepted, and worth nothing."""
import sys

print("\n".join(sys.stdin.read().split()[1:]))
