length, total = map(int, input().split())
pairs, rest = divmod(total, 17)
digits = "98" * pairs
if rest > 9:
    digits += f"9{rest - 9}"
elif rest == 8 and digits:
    digits = "8" + digits
elif rest:
    digits += str(rest)
filler = "".join("qz"[i % 2] for i in range(length))
print((digits + filler)[:length] if len(digits) <= length else "-")
