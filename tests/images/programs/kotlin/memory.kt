fun main() {
    val (live, garbage) = readln().split(" ").map { it.toInt() }
    val kept = List(live) { IntArray((1 shl 18) - 4) }
    var sum = 0
    repeat(garbage * 16) {
        sum += IntArray(1 shl 14).size - (1 shl 14)
    }
    println(kept.size + sum)
}
