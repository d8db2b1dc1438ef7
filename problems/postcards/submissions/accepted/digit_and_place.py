"""A card holds a digit's place and the digit."""

if input() == "send":
    digits = input()[::-1]
    print(len(digits))
    print(*(100 + 10 * place + int(d) if place < 10 else 500 + 10 * place + int(d)
            for place, d in enumerate(digits)))
else:
    input()
    cards = sorted(map(int, input().split()), reverse=True)
    print(int("".join(str(card % 10) for card in cards)))
