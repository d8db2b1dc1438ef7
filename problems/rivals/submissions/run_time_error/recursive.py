"""Python gives up after a thousand nested calls."""

n, m = map(int, input().split())
rivals = [[] for _ in range(n)]
for _ in range(m):
    a, b = (int(word) - 1 for word in input().split())
    rivals[a].append(b)
    rivals[b].append(a)
table = [""] * n


def seat(player, side):
    table[player] = side
    return all(
        table[rival] != side if table[rival] else seat(rival, "B" if side == "A" else "A")
        for rival in rivals[player]
    )


fine = all(table[player] or seat(player, "A") for player in range(n))
print("".join(table) if fine else "IMPOSSIBLE")
