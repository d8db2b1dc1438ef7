public class Unlucky {
    public static void main(String[] args) {
        throw new IllegalStateException("gong");
    }
}
