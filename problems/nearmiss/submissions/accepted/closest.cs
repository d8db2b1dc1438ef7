using System;
using System.Globalization;
using System.Linq;

public static class Closest
{
    public static void Main()
    {
        double[] d = Console.In.ReadToEnd()
            .Split((char[])null, StringSplitOptions.RemoveEmptyEntries)
            .Select(word => double.Parse(word, CultureInfo.InvariantCulture)).ToArray();
        double x = d[5] - d[1], y = d[6] - d[2], u = d[7] - d[3], v = d[8] - d[4];
        double speed = u * u + v * v;
        double when = speed == 0 ? 0 : Math.Min(Math.Max(-(x * u + y * v) / speed, 0), d[0]);
        double gapX = x + when * u, gapY = y + when * v;
        double distance = Math.Sqrt(gapX * gapX + gapY * gapY);
        Console.WriteLine(distance.ToString("F9", CultureInfo.InvariantCulture));
    }
}
