import java.util.Scanner;

public class Locksmith {
    private static final Scanner IN = new Scanner(System.in);

    private static long turn(long mark) {
        System.out.println("? " + mark);
        System.out.flush();
        return IN.nextLong();
    }

    public static void main(String[] args) {
        int vaults = IN.nextInt();
        for (int i = 0; i < vaults; i++) {
            long marks = IN.nextLong();
            long distance = turn(0);
            long mark = turn(distance) == 0 ? distance : marks - distance;
            System.out.println("! " + mark);
            System.out.flush();
        }
    }
}
