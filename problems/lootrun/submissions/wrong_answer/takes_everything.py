"""Does not care for the weight: right only where all can be lifted."""

n = int(input().split()[0])
print(n)
print(*range(1, n + 1))
