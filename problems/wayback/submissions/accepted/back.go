package main

import (
	"bytes"
	"io"
	"os"
)

func main() {
	steps, _ := io.ReadAll(os.Stdin)
	steps = bytes.TrimSpace(steps)
	opposite := [256]byte{'N': 'S', 'S': 'N', 'E': 'W', 'W': 'E'}
	back := make([]byte, len(steps)+1)
	for i, step := range steps {
		back[len(steps)-1-i] = opposite[step]
	}
	back[len(steps)] = '\n'
	os.Stdout.Write(back)
}
