using System;
using System.IO;
using System.Linq;

public static class Turn
{
    public static void Main(string[] args)
    {
        string wheel = File.ReadAllText("wheel.txt").Trim();
        int step = int.Parse(args[1]) % 26;
        if (args[0] == "decode")
            step = 26 - step;
        Func<char, char> turn = c =>
            wheel.IndexOf(c) < 0 ? c : wheel[(wheel.IndexOf(c) + step) % 26];
        Console.Write(new string(Console.In.ReadToEnd().Select(turn).ToArray()));
    }
}
