"""The right answer first, then blank lines up to far beyond any output limit."""
import sys

steps = sys.stdin.buffer.read().strip()
sys.stdout.buffer.write(steps[::-1].translate(bytes.maketrans(b"NESW", b"SWNE")) + b"\n")
for _ in range(400):
    sys.stdout.buffer.write(b"\n" * (1 << 20))
