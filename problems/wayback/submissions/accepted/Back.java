import java.io.IOException;

public class Back {
    public static void main(String[] args) throws IOException {
        byte[] steps = System.in.readAllBytes();
        int length = steps.length;
        while (length > 0 && steps[length - 1] <= ' ') {
            length--;
        }
        byte[] back = new byte[length + 1];
        for (int i = 0; i < length; i++) {
            back[length - 1 - i] = switch (steps[i]) {
                case 'N' -> (byte) 'S';
                case 'S' -> (byte) 'N';
                case 'E' -> (byte) 'W';
                default -> (byte) 'E';
            };
        }
        back[length] = '\n';
        System.out.write(back, 0, back.length);
        System.out.flush();
    }
}
