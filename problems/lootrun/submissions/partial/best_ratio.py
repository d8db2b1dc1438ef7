"""Takes the treasures by worth per weight: good, but not always good enough."""

n, lift = map(int, input().split())
treasures = [tuple(map(int, input().split())) for _ in range(n)]
loot = []
for i in sorted(range(n), key=lambda i: -treasures[i][1] / treasures[i][0]):
    if treasures[i][0] <= lift:
        lift -= treasures[i][0]
        loot.append(i + 1)
print(len(loot))
print(*loot)
