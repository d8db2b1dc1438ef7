"""Reverses the order, but not the steps."""
import sys

sys.stdout.write(sys.stdin.read().strip()[::-1] + "\n")
