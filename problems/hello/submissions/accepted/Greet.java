import java.util.Scanner;

public class Greet {
    public static void main(String[] args) {
        String handle = new Scanner(System.in).next();
        System.out.println("Welcome to the arena, " + handle + "!");
    }
}
