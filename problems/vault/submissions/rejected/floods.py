"""Talks without end and listens to nobody."""

while True:
    print("? 0")
