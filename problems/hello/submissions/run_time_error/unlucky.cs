using System;

public static class Unlucky
{
    public static void Main()
    {
        throw new InvalidOperationException("gong");
    }
}
