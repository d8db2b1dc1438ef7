height, letter = input().split()
last = int(height) - 1


def character(row, column):
    if row in (0, last) and column in (0, last):
        return "+"
    if row in (0, last):
        return "-"
    if column in (0, last):
        return "|"
    return letter if row == column or row + column == last else " "


for row in range(last + 1):
    print("".join(character(row, column) for column in range(last + 1)))
