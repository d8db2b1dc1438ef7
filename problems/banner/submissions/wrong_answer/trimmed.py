"""Right of every line's last visible character there is nothing to trim but inside it is squeezed."""

height, letter = input().split()
height = int(height)
edge = "+" + "-" * (height - 2) + "+"
print(edge)
for row in range(1, height - 1):
    inner = "".join(
        letter if column in (row, height - 1 - row) else " " for column in range(1, height - 1)
    )
    print("|" + inner.strip() + "|")
print(edge)
