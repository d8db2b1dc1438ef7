print("Hello"
