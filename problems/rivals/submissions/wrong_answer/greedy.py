"""Seats each player opposite to the first rival who has a chair already, and hopes."""

n, m = map(int, input().split())
rivals = [[] for _ in range(n)]
for _ in range(m):
    a, b = (int(word) - 1 for word in input().split())
    rivals[a].append(b)
    rivals[b].append(a)
table = [""] * n
for player in range(n):
    taken = {table[rival] for rival in rivals[player]}
    table[player] = "A" if "A" not in taken else "B"
print("".join(table))
