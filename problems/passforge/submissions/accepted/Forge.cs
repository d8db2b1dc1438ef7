using System;
using System.Text;

public static class Forge
{
    public static void Main()
    {
        string[] words = Console.ReadLine().Split(' ');
        int length = int.Parse(words[0]), total = int.Parse(words[1]);
        var text = new StringBuilder();
        for (int i = 0; text.Length < length; i++)
        {
            int take = Math.Min(9 - i % 2, total);
            total -= take;
            if (take == 8 && text.Length > 0 && text[text.Length - 1] == '8')
                text.Insert(0, '8');
            else if (take > 0)
                text.Append(take);
            else
                text.Append(i % 2 == 0 ? 'm' : 'n');
        }
        Console.WriteLine(total > 0 ? "-" : text.ToString());
    }
}
