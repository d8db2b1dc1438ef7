"""A Python set of two million integers is far beyond the music box."""


def main():
    m, a, c, song = map(int, input().split())
    songs = set()
    while song not in songs:
        songs.add(song)
        song = (a * song + c) % m
    print(len(songs))


main()
