"""Asks for a file that nobody promised."""
import sys

with open("Wheel.TXT") as file:
    wheel = file.read().strip()
print(wheel, sys.argv)
