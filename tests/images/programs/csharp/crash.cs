class Crash
{
    static void Main(string[] arguments)
    {
        System.Console.WriteLine(arguments[1]);
    }
}
