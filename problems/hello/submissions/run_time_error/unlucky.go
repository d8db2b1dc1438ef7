package main

import "fmt"

func main() {
	var handles []string
	fmt.Printf("Welcome to the arena, %s!\n", handles[0])
}
