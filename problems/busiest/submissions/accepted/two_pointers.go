package main

import (
	"bufio"
	"fmt"
	"os"
	"sort"
	"strconv"
)

func main() {
	scanner := bufio.NewScanner(os.Stdin)
	scanner.Split(bufio.ScanWords)
	next := func() int {
		scanner.Scan()
		number, _ := strconv.Atoi(scanner.Text())
		return number
	}
	n, w := next(), next()
	moments := make([]int, n)
	for i := range moments {
		moments[i] = next()
	}
	sort.Ints(moments)
	best, first := 0, 0
	for last, moment := range moments {
		for moment-moments[first] >= w {
			first++
		}
		if last-first+1 > best {
			best = last - first + 1
		}
	}
	fmt.Println(best)
}
