"""Waits for the first song to come back, which it may never do."""

m, a, c, start = map(int, input().split())
song = (a * start + c) % m
count = 1
while song != start and count < 2_000_000:
    song = (a * song + c) % m
    count += 1
print(count)
