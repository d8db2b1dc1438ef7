"""Looks for the key where it is not."""

mode, key, *message = input().split()
print(mode, int(key), *message)
