class Broken {
    public static void main(String[] arguments) {
        return undeclared;
    }
}
