"""Fills up with 9 8 9 8 ... and ends with an 8 beside an 8 every now and then."""

length, total = map(int, input().split())
text = ""
for i in range(length):
    take = min(9 - i % 2, total)
    total -= take
    text += str(take) if take else "ab"[i % 2]
print("-" if total else text)
