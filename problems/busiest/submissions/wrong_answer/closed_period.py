"""Counts the customer who comes when the period is over."""

from bisect import bisect_right

_, w = map(int, input().split())
moments = sorted(map(int, input().split()))
print(max(bisect_right(moments, moments[i] + w) - i for i in range(len(moments))))
