_, w = map(int, input().split())
moments = list(map(int, input().split()))
print(max(sum(first <= other < first + w for other in moments) for first in set(moments)))
