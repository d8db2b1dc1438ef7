"""Crashes on more than 100 hits."""

n, k = map(int, input().split())
colours = input().split()
table = [0] * 101
table[n] = 1
best = 0
for start in range(n):
    for end in range(start + 1, n + 1):
        if len(set(colours[start:end])) > k:
            break
        best = max(best, end - start)
print(best)
