"""Has thought of sending only."""

if input() == "send":
    digits = input()[::-1]
    print(len(digits))
    print(*(10 + 10 * place + int(digit) for place, digit in enumerate(digits)))
else:
    raise NotImplementedError
