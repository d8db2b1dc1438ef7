"""Sends at once, but counts up to the number when it receives."""

if input() == "send":
    digits = input()[::-1]
    print(len(digits))
    print(*(10 + 10 * place + int(digit) for place, digit in enumerate(digits)))
else:
    input()
    cards = sorted(map(int, input().split()), reverse=True)
    goal = int("".join(str(card % 10) for card in cards))
    number = 0
    while number < goal:
        number += 1
    print(number)
