"""Keeps, for each worth that matters, the lightest loot: its set of treasures is one integer."""


def main():
    n, lift = map(int, input().split())
    loots = [(0, 0, 0)]
    for i in range(n):
        w, v = map(int, input().split())
        more = [(a + w, b + v, chosen | 1 << i) for a, b, chosen in loots if a + w <= lift]
        merged = sorted(loots + more, key=lambda loot: (loot[0], -loot[1]))
        loots = []
        worth = -1
        for loot in merged:
            if loot[1] > worth:
                worth = loot[1]
                loots.append(loot)
    chosen = loots[-1][2]
    numbers = [i + 1 for i in range(n) if chosen >> i & 1]
    print(len(numbers))
    print(*numbers)


main()
