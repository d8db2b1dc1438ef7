"""The right answer first, then more than the output limit of anything."""
import sys

steps = sys.stdin.buffer.read().strip()
sys.stdout.buffer.write(steps[::-1].translate(bytes.maketrans(b"NESW", b"SWNE")) + b"\n")
while True:
    sys.stdout.buffer.write(b"\n" * (1 << 20))
