"""Knows the case k = 1 only, and fails a sample: not even group 1 counts."""
from itertools import groupby

input()
print(max(len(list(run)) for _, run in groupby(input().split())))
