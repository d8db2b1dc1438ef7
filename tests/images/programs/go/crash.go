package main

func main() {
	var items []int
	println(items[len(items)])
}
