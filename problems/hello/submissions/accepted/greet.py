print(f"Welcome to the arena, {input()}!")
