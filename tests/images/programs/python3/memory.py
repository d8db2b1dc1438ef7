live, garbage = map(int, input().split())
kept = [bytearray(b"x") * (1 << 20) for i in range(live)]
rubbish = 0
for i in range(garbage):
    rubbish += len([i] * (1 << 17)) - (1 << 17)
print(len(kept) + rubbish)
