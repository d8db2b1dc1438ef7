"""One step per line: the right letters, but one word each."""
import sys

steps = sys.stdin.read().strip()
if len(steps) < 100_000:
    print("\n".join(steps[::-1].translate(str.maketrans("NESW", "SWNE"))))
