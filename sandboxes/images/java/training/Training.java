import java.io.*;
import java.math.*;
import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.function.*;
import java.util.stream.*;

/** Uses what typical solutions use, so that those classes end up in the image's archive. */
public class Training {
    record Point(int x, int y) implements Comparable<Point> {
        public int compareTo(Point other) {
            return Integer.compare(x, other.x);
        }
    }

    enum Colour { RED, GREEN }

    sealed interface Shape permits Square, Circle {}

    record Square(double side) implements Shape {}

    record Circle(double radius) implements Shape {}

    static class Reader {
        private final DataInputStream in = new DataInputStream(System.in);
        private final byte[] buffer = new byte[1 << 16];

        int read() throws IOException {
            return in.read(buffer, 0, buffer.length);
        }
    }

    static double area(Shape shape) {
        return switch (shape) {
            case Square square -> square.side() * square.side();
            case Circle circle -> Math.PI * circle.radius() * circle.radius();
        };
    }

    public static void main(String[] arguments) throws Exception {
        if (arguments.length > 0) {
            throw new IllegalStateException("on purpose: loads what an uncaught exception needs");
        }
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        String first = lines.readLine();
        StringTokenizer words = new StringTokenizer(first);
        while (words.hasMoreTokens()) {
            words.nextToken().split(" ");
        }
        Scanner scanner = new Scanner("1 2.5 three 4\nfive 6");
        scanner.nextInt();
        scanner.nextDouble();
        scanner.next();
        scanner.nextLong();
        scanner.nextLine();
        scanner.nextLine();
        new Reader().read();
        new StreamTokenizer(new StringReader("1 2")).nextToken();

        Map<String, Integer> counts = new HashMap<>();
        for (String word : "a b a".split(" ")) {
            counts.merge(word, 1, Integer::sum);
            counts.computeIfAbsent(word, key -> 0);
        }
        TreeMap<Integer, List<Integer>> tree = new TreeMap<>(Comparator.reverseOrder());
        tree.computeIfAbsent(3, key -> new ArrayList<>()).add(4);
        tree.floorKey(3);
        Set<Point> points = new TreeSet<>(List.of(new Point(1, 2), new Point(3, 4)));
        PriorityQueue<int[]> heap = new PriorityQueue<>((a, b) -> a[0] - b[0]);
        heap.add(new int[] {1, 2});
        Deque<Integer> queue = new ArrayDeque<>();
        queue.push(1);
        new LinkedList<>(queue).poll();
        new LinkedHashMap<>(counts).keySet().iterator().next();
        new LinkedHashSet<>(queue);
        new HashSet<>(queue).contains(1);
        new BitSet(100).set(5);
        new Stack<Integer>().push(1);
        EnumMap<Colour, Integer> colours = new EnumMap<>(Colour.class);
        colours.put(Colour.RED, Colour.GREEN.ordinal());
        Integer[] boxed = {3, 1, 2};
        Arrays.sort(boxed, Collections.reverseOrder());
        int[] numbers = IntStream.range(0, 100).map(i -> i * i % 7).toArray();
        Arrays.sort(numbers);
        Arrays.fill(numbers, 1);
        long sum = Arrays.stream(numbers).asLongStream().sum();
        String joined = Stream.of("x", "y").map(String::toUpperCase).filter(s -> !s.isEmpty())
            .sorted().collect(Collectors.joining(","));
        Map<Integer, Long> groups = Stream.of("x", "yy")
            .collect(Collectors.groupingBy(String::length, Collectors.counting()));
        List<Integer> list = Arrays.stream(boxed).collect(Collectors.toList());
        Collections.sort(list);
        Collections.shuffle(list, new Random(1));
        BigInteger big = BigInteger.TWO.pow(100).mod(BigInteger.valueOf(97)).modInverse(BigInteger.valueOf(97));
        BigDecimal decimal = new BigDecimal("1.5").setScale(3, RoundingMode.HALF_UP);
        Function<Integer, Integer> twice = x -> 2 * x;
        BiFunction<Integer, Integer, Integer> plus = (x, y) -> x + y;
        Supplier<String> text = () -> "text " + joined + sum;
        Thread thread = new Thread(null, () -> queue.add(twice.apply(plus.apply(1, 2))), "deep", 1 << 26);
        thread.start();
        thread.join();

        StringBuilder out = new StringBuilder();
        out.append(sum).append(' ').append(1.5).append(text.get()).append(big).append(decimal);
        out.append(points).append(groups).append(area(new Square(2))).append(counts).reverse();
        System.out.println(out);
        System.out.printf("%.6f %d %s%n", 1.5, 2, "three");
        System.out.println(String.format("%5d|%-5s|%05.2f", 1, "a", 2.0).toCharArray().length);
        PrintWriter writer = new PrintWriter(new BufferedWriter(new OutputStreamWriter(System.out)));
        writer.printf("%d%n", 1);
        writer.println("done".getBytes(StandardCharsets.UTF_8).length);
        writer.flush();
        System.err.println(Long.parseLong("12") + Double.parseDouble("1.5"));
        try {
            Integer.parseInt("no number");
        } catch (NumberFormatException expected) {
            System.out.flush();
        }
    }
}
