import sys

mode, key = sys.argv[1], int(sys.argv[2])
with open("wheel.txt") as file:
    wheel = file.read().strip()
step = key if mode == "encode" else -key
table = {letter: wheel[(place + step) % 26] for place, letter in enumerate(wheel)}
for line in sys.stdin:
    print("".join(table.get(c, c) for c in line), end="")
