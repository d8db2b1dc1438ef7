package greeting;

import java.util.Scanner;

class Greeter {
    public static void main(String[] arguments) {
        System.out.println("Hello, " + new Scanner(System.in).next() + "!");
    }
}
