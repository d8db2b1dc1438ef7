import java.util.Scanner;

public class Scout {
    private static final int PLACES = 6;
    private static final int BASE = 150;

    public static void main(String[] args) {
        Scanner in = new Scanner(System.in);
        if (in.next().equals("send")) {
            long number = in.nextLong();
            StringBuilder cards = new StringBuilder();
            for (int place = 0; place < PLACES; place++) {
                cards.append(place * BASE + number % BASE + 1).append(' ');
                number /= BASE;
            }
            System.out.println(PLACES);
            System.out.println(cards.toString().trim());
        } else {
            long[] powers = new long[PLACES];
            powers[0] = 1;
            for (int place = 1; place < PLACES; place++) {
                powers[place] = powers[place - 1] * BASE;
            }
            long number = 0;
            for (int i = in.nextInt(); i > 0; i--) {
                int card = in.nextInt() - 1;
                number += powers[card / BASE] * (card % BASE);
            }
            System.out.println(number);
        }
    }
}
