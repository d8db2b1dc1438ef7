package main

import "fmt"

func main() {
	var handle string
	fmt.Scan(&handle)
	fmt.Printf("Welcome to the arena, %s!\n", handle)
}
