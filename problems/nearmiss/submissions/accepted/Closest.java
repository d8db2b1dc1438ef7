import java.util.Locale;
import java.util.Scanner;

public class Closest {
    public static void main(String[] args) {
        Scanner in = new Scanner(System.in).useLocale(Locale.ROOT);
        double duration = in.nextDouble();
        double[] d = new double[8];
        for (int i = 0; i < 8; i++) {
            d[i] = in.nextDouble();
        }
        double x = d[4] - d[0], y = d[5] - d[1], u = d[6] - d[2], v = d[7] - d[3];
        double speed = u * u + v * v;
        double when = speed == 0 ? 0 : Math.min(Math.max(-(x * u + y * v) / speed, 0), duration);
        System.out.println(Math.hypot(x + when * u, y + when * v));
    }
}
