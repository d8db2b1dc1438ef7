import sys

steps = sys.stdin.buffer.read().strip()
sys.stdout.buffer.write(steps[::-1].translate(bytes.maketrans(b"NESW", b"SWNE")) + b"\n")
