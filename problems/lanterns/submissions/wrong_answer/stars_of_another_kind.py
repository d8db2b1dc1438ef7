"""One lantern, drawn with a star from outside ASCII."""
import sys

_, *court = sys.stdin.read().split()
sys.stdout.buffer.write("\n".join(court).replace(".", "\u2217", 1).encode() + b"\n")
