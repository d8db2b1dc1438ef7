"""Always puts the next lantern where it lights most new tiles."""


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
    gain = {tile: len(tiles) for tile, tiles in beams.items()}
    for _ in range(n):
        if not dark:
            break
        tile = max(dark, key=lambda tile: (gain[tile], tile))
        court[tile[0]][tile[1]] = "*"
        for lit in dark.intersection(beams[tile]):
            dark.remove(lit)
            for other in beams[lit]:
                gain[other] -= 1
    for row in court:
        print("".join(row))


main()
