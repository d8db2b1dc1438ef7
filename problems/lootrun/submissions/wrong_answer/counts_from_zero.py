"""Numbers the treasures from 0."""

n, lift = map(int, input().split())
loot = []
for i in range(n):
    w, _ = map(int, input().split())
    if w <= lift:
        lift -= w
        loot.append(i)
print(len(loot))
print(*loot)
