"""Right, but both letters come from another alphabet than they seem to."""
import sys

n, m, *numbers = map(int, sys.stdin.read().split())
rivals = [[] for _ in range(n + 1)]
for a, b in zip(numbers[::2], numbers[1::2]):
    rivals[a].append(b)
    rivals[b].append(a)
table = [""] * (n + 1)
for start in range(1, n + 1):
    if not table[start]:
        table[start] = "\u0410"
        todo = [start]
        while todo:
            a = todo.pop()
            for b in rivals[a]:
                if not table[b]:
                    table[b] = "\u0412" if table[a] == "\u0410" else "\u0410"
                    todo.append(b)
sys.stdout.buffer.write(("".join(table) + "\n").encode())
