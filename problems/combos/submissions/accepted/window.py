import sys


def main():
    n, k, *colours = map(int, sys.stdin.buffer.read().split())
    count = {}
    start = best = 0
    for end, colour in enumerate(colours):
        count[colour] = count.get(colour, 0) + 1
        while len(count) > k:
            left = colours[start]
            start += 1
            if count[left] == 1:
                del count[left]
            else:
                count[left] -= 1
        best = max(best, end - start + 1)
    print(best)


main()
