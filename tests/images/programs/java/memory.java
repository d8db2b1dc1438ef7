import java.util.*;

public class memory {
    public static void main(String[] arguments) {
        Scanner in = new Scanner(System.in);
        int live = in.nextInt();
        int garbage = in.nextInt();
        List<int[]> kept = new ArrayList<>();
        for (int i = 0; i < live; i++) {
            kept.add(new int[(1 << 18) - 4]);
        }
        long sum = 0;
        for (int i = 0; i < garbage * 16; i++) {
            sum += new int[1 << 14].length - (1 << 14);
        }
        System.out.println(kept.size() + sum);
    }
}
