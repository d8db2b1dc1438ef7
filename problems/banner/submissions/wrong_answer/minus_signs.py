"""The frame is drawn with real minus signs, which are not hyphens."""
import sys

BLANK = " "

height, letter = input().split()
height = int(height)
edge = "+" + "-" * (height - 2) + "+"
lines = [edge]
for row in range(1, height - 1):
    inner = (letter if column in (row, height - 1 - row) else BLANK for column in range(1, height - 1))
    lines.append("|" + "".join(inner) + "|")
lines.append(edge)

sys.stdout.buffer.write(("\n".join(lines) + "\n").replace("-", "\u2212").encode())
