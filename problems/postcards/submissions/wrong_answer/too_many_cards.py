"""Writes one card for each bit."""

if input() == "send":
    bits = f"{int(input()):b}"[::-1]
    cards = [place + 1 for place, bit in enumerate(bits) if bit == "1"] or [1000]
    print(len(cards))
    print(*cards)
else:
    input()
    print(sum(1 << (int(card) - 1) for card in input().split() if card != "1000"))
