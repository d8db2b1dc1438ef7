import sys


def main():
    n, m, *numbers = map(int, sys.stdin.buffer.read().split())
    rivals = [[] for _ in range(n + 1)]
    for a, b in zip(numbers[::2], numbers[1::2]):
        rivals[a].append(b)
        rivals[b].append(a)
    table = [None] * (n + 1)
    for start in range(1, n + 1):
        if table[start] is not None:
            continue
        table[start] = 0
        todo = [start]
        while todo:
            a = todo.pop()
            for b in rivals[a]:
                if table[b] is None:
                    table[b] = 1 - table[a]
                    todo.append(b)
                elif table[b] == table[a]:
                    print("IMPOSSIBLE")
                    return
    print("".join("AB"[side] for side in table[1:]))


main()
