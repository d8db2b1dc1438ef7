import java.io.*;
import java.nio.file.*;

public class Turn {
    public static void main(String[] args) throws IOException {
        String wheel = new String(Files.readAllBytes(Paths.get("wheel.txt"))).trim();
        int step = Integer.parseInt(args[1]) % 26;
        if (args[0].equals("decode")) {
            step = 26 - step;
        }
        StringBuilder message = new StringBuilder();
        Reader in = new BufferedReader(new InputStreamReader(System.in));
        for (int c = in.read(); c >= 0; c = in.read()) {
            int place = wheel.indexOf(c);
            message.append(place < 0 ? (char) c : wheel.charAt((place + step) % 26));
        }
        System.out.print(message);
    }
}
