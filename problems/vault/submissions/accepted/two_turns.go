package main

import "fmt"

func turn(mark int) (distance int) {
	fmt.Println("?", mark)
	fmt.Scan(&distance)
	return
}

func main() {
	var vaults int
	fmt.Scan(&vaults)
	for ; vaults > 0; vaults-- {
		var marks int
		fmt.Scan(&marks)
		mark := turn(0)
		if turn(mark) != 0 {
			mark = marks - mark
		}
		fmt.Println("!", mark)
	}
}
