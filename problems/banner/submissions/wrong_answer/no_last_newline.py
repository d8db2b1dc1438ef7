"""The last line feed is missing."""
BLANK = " "

height, letter = input().split()
height = int(height)
edge = "+" + "-" * (height - 2) + "+"
lines = [edge]
for row in range(1, height - 1):
    inner = (letter if column in (row, height - 1 - row) else BLANK for column in range(1, height - 1))
    lines.append("|" + "".join(inner) + "|")
lines.append(edge)

print("\n".join(lines), end="")
