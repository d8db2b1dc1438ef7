print(f"welcome to the arena, {input()}!")
