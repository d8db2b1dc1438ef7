package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
)

func main() {
	key, _ := strconv.Atoi(os.Args[2])
	step := key % 26
	if os.Args[1] == "decode" {
		step = 26 - step
	}
	wheel, _ := os.ReadFile("wheel.txt")
	message, _ := io.ReadAll(os.Stdin)
	for i, letter := range message {
		if place := bytes.IndexByte(wheel[:26], letter); place >= 0 {
			message[i] = wheel[(place+step)%26]
		}
	}
	fmt.Print(string(message))
}
