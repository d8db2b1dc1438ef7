"""Never thinks of the other way around the dial."""

for _ in range(int(input())):
    input()
    print("? 0", flush=True)
    print(f"! {input()}", flush=True)
