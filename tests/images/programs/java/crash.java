class Crash {
    public static void main(String[] arguments) {
        System.out.println(arguments[1]);
    }
}
