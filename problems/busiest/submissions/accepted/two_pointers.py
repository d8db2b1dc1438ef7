import sys


def main():
    n, w, *moments = map(int, sys.stdin.buffer.read().split())
    moments.sort()
    best = first = 0
    for last, moment in enumerate(moments):
        while moment - moments[first] >= w:
            first += 1
        if last - first >= best:
            best = last - first + 1
    print(best)


main()
