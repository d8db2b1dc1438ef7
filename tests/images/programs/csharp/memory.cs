using System;
using System.Collections.Generic;
using System.Linq;

class Memory
{
    static void Main()
    {
        int[] sizes = Console.ReadLine().Split(' ').Select(int.Parse).ToArray();
        var kept = new List<int[]>();
        for (int i = 0; i < sizes[0]; i++)
        {
            var block = new int[1 << 18];
            for (int j = 0; j < block.Length; j++)
                block[j] = i;
            kept.Add(block);
        }
        long sum = 0;
        for (int i = 0; i < sizes[1]; i++)
            sum += new int[1 << 18].Length - (1 << 18);
        Console.WriteLine(kept.Count + sum);
    }
}
