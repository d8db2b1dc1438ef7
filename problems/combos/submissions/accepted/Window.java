import java.io.*;
import java.util.*;

public class Window {
    public static void main(String[] args) throws IOException {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        StringTokenizer head = new StringTokenizer(in.readLine());
        int n = Integer.parseInt(head.nextToken());
        int k = Integer.parseInt(head.nextToken());
        StringTokenizer words = new StringTokenizer(in.readLine());
        int[] colours = new int[n];
        Map<Integer, Integer> count = new HashMap<>();
        int best = 0;
        for (int start = 0, end = 0; end < n; end++) {
            colours[end] = Integer.parseInt(words.nextToken());
            count.merge(colours[end], 1, Integer::sum);
            while (count.size() > k) {
                count.computeIfPresent(colours[start++], (c, hits) -> hits == 1 ? null : hits - 1);
            }
            best = Math.max(best, end - start + 1);
        }
        System.out.println(best);
    }
}
