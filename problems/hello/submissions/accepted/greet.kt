fun main() {
    val handle = readLine()!!
    println("Welcome to the arena, $handle!")
}
