// Uses what typical solutions use, so that those classes end up in the image's archives.
import java.io.BufferedReader
import java.io.InputStreamReader
import java.util.PriorityQueue
import java.util.StringTokenizer

data class Edge(val to: Int, val weight: Long) : Comparable<Edge> {
    override fun compareTo(other: Edge) = weight.compareTo(other.weight)
}

fun gcd(a: Int, b: Int): Int = if (b == 0) a else gcd(b, a % b)

fun main() {
    val first = readLine()!!.split(" ").filter { it.isNotEmpty() }
    val second = readln().trim()
    val reader = BufferedReader(InputStreamReader(System.`in`))
    val words = StringTokenizer(reader.readLine() ?: "")
    val numbers = listOf("3", "1", "2").map { it.toInt() }.sorted().toMutableList()
    val graph = Array(5) { mutableListOf<Edge>() }
    graph[0].add(Edge(1, 2L))
    val queue = PriorityQueue<Edge>(compareBy { it.weight })
    queue.add(Edge(2, 3))
    val deque = ArrayDeque<Int>()
    deque.addLast(1)
    val counts = mutableMapOf<String, Int>()
    for (word in first) counts[word] = (counts[word] ?: 0) + 1
    val groups = numbers.groupBy { it % 2 }.mapValues { (_, list) -> list.sum() }
    val grid = Array(3) { IntArray(3) { it } }
    val memo = HashMap<Long, Long>()
    var total = 0L
    for (i in 0 until 10 step 2) total += i.toLong() * gcd(i, 12)
    for ((index, value) in numbers.withIndex()) total += index * value
    repeat(3) { total++ }
    val text = buildString { append(total); append(' '); append(groups) }
    val best = numbers.maxOrNull() ?: when (total) { in 0..9 -> 1; else -> 2 }
    val pair = numbers.zip(numbers).sortedWith(compareBy({ it.first }, { -it.second }))
    println("$text $best $second ${pair.joinToString(",")} ${grid.sumOf { it.sum() }}")
    println(sequence { yield(1); yield(2) }.take(2).toList().fold(0) { a, b -> a + b })
    println(words.countTokens() + memo.size + deque.first() + counts.keys.size + "%.3f".format(1.5).length)
}
