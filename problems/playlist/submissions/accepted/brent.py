"""The rabbit runs, the turtle jumps to it at powers of two; two of them count the tail."""


def main():
    m, a, c, start = map(int, input().split())
    power = length = 1
    turtle = start
    rabbit = (a * start + c) % m
    while turtle != rabbit:
        if power == length:
            turtle = rabbit
            power *= 2
            length = 0
        rabbit = (a * rabbit + c) % m
        length += 1
    behind = ahead = start
    for _ in range(length):
        ahead = (a * ahead + c) % m
    tail = 0
    while behind != ahead:
        behind = (a * behind + c) % m
        ahead = (a * ahead + c) % m
        tail += 1
    print(tail + length)


main()
