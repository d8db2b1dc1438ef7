using System;

public static class Greet
{
    public static void Main()
    {
        string handle = Console.ReadLine().Trim();
        Console.WriteLine("Welcome to the arena, " + handle + "!");
    }
}
