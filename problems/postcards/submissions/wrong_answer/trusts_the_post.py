"""Relies on the order of the cards."""

if input() == "send":
    digits = input()
    print(len(digits))
    print(*(int(digit) + 1 for digit in digits))
else:
    input()
    print("".join(str(int(card) - 1) for card in input().split()))
