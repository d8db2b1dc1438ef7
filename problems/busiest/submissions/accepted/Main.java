import java.io.*;
import java.util.*;

public class Main {
    public static void main(String[] args) throws IOException {
        StreamTokenizer in = new StreamTokenizer(new BufferedInputStream(System.in, 1 << 16));
        in.nextToken();
        int n = (int) in.nval;
        in.nextToken();
        long w = (long) in.nval;
        int[] moments = new int[n];
        for (int i = 0; i < n; i++) {
            in.nextToken();
            moments[i] = (int) in.nval;
        }
        Arrays.sort(moments);
        int best = 0;
        int first = 0;
        for (int last = 0; last < n; last++) {
            while (moments[last] - moments[first] >= w) {
                first++;
            }
            best = Math.max(best, last - first + 1);
        }
        System.out.println(best);
    }
}
