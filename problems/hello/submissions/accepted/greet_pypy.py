import sys

handle = sys.stdin.readline().strip()
sys.stdout.write("Welcome to the arena, " + handle + "!\n")
