"""One nested call per character: too many for a long password."""

length, total = map(int, input().split())


def forge(i, left, before):
    if i == length:
        return "" if left == 0 else None
    take = min(9, left)
    while take > 0:
        if str(take) != before:
            rest = forge(i + 1, left - take, str(take))
            if rest is not None:
                return str(take) + rest
        take -= 1
    letter = "ab"[i % 2]
    rest = forge(i + 1, left, letter)
    return None if rest is None else letter + rest


most = 9 * ((length + 1) // 2) + 8 * (length // 2)
print("-" if total > most else forge(0, total, ""))
