for _ in range(int(input())):
    marks = int(input())
    print("? 0", flush=True)
    distance = int(input())
    print(f"? {distance}", flush=True)
    print(f"! {distance if int(input()) == 0 else marks - distance}", flush=True)
