import java.io.*;
import java.util.*;

public class Tables {
    private static List<List<Integer>> rivals = new ArrayList<>();
    private static char[] table;

    private static boolean seat(int start) {
        ArrayDeque<Integer> queue = new ArrayDeque<>();
        queue.add(start);
        table[start] = 'A';
        while (!queue.isEmpty()) {
            int player = queue.remove();
            for (int rival : rivals.get(player)) {
                if (table[rival] == table[player]) {
                    return false;
                }
                if (table[rival] == 0) {
                    table[rival] = table[player] == 'A' ? 'B' : 'A';
                    queue.add(rival);
                }
            }
        }
        return true;
    }

    public static void main(String[] args) throws IOException {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        StringTokenizer words = new StringTokenizer(in.readLine());
        int n = Integer.parseInt(words.nextToken());
        int m = Integer.parseInt(words.nextToken());
        for (int i = 0; i < n; i++) {
            rivals.add(new ArrayList<>());
        }
        table = new char[n];
        for (int i = 0; i < m; i++) {
            words = new StringTokenizer(in.readLine());
            int a = Integer.parseInt(words.nextToken()) - 1;
            int b = Integer.parseInt(words.nextToken()) - 1;
            rivals.get(a).add(b);
            rivals.get(b).add(a);
        }
        for (int i = 0; i < n; i++) {
            if (table[i] == 0 && !seat(i)) {
                System.out.println("IMPOSSIBLE");
                return;
            }
        }
        System.out.println(table);
    }
}
