"""Puts lanterns on dark tiles, those with the longest beams first, until all is lit."""


def main():
    n = int(input())
    court = [list(input()) for _ in range(n)]

    def beam(r, c):
        tiles = [(r, c)]
        for down, right in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            y, x = r + down, c + right
            while 0 <= y < n and 0 <= x < n and court[y][x] != "#":
                tiles.append((y, x))
                y, x = y + down, x + right
        return tiles

    beams = {(r, c): beam(r, c) for r in range(n) for c in range(n) if court[r][c] == "."}
    dark = set(beams)
    order = sorted(beams, key=lambda tile: -len(beams[tile]))
    for tile in order:
        if tile in dark:
            court[tile[0]][tile[1]] = "*"
            dark.difference_update(beams[tile])
    for row in court:
        print("".join(row))


main()
