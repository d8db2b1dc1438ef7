package main

import "fmt"

var rubbish []int

func main() {
	var live, garbage int
	fmt.Scan(&live, &garbage)
	kept := [][]int{}
	for i := 0; i < live; i++ {
		block := make([]int, 1<<17)
		for j := range block {
			block[j] = i
		}
		kept = append(kept, block)
	}
	for i := 0; i < garbage; i++ {
		rubbish = make([]int, 1<<17)
		for j := range rubbish {
			rubbish[j] = i
		}
	}
	fmt.Println(len(kept))
}
