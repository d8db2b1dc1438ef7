"""Goes through the whole list of rivals again until nothing changes: slow on a long chain."""

n, m = map(int, input().split())
pairs = [[int(word) - 1 for word in input().split()] for _ in range(m)]
pairs.reverse()
side = [None] * n
for player in range(n):
    if side[player] is not None:
        continue
    side[player] = 0
    changed = True
    while changed:
        changed = False
        for a, b in pairs:
            if side[a] is not None and side[b] is None:
                side[b] = 1 - side[a]
                changed = True
            elif side[b] is not None and side[a] is None:
                side[a] = 1 - side[b]
                changed = True
if any(side[a] == side[b] for a, b in pairs):
    print("IMPOSSIBLE")
else:
    print("".join("AB"[s] for s in side))
