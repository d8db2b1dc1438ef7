using System;

class Greeter
{
    static void Main()
    {
        Console.WriteLine("Hello, " + Console.ReadLine() + "!");
    }
}
