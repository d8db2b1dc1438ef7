"""The turns stay in the buffer: both sides wait for ever."""

for _ in range(int(input())):
    marks = int(input())
    print("? 0")
    distance = int(input())
    print(f"? {distance}")
    print(f"! {distance if int(input()) == 0 else marks - distance}")
