class Broken
{
    static int Main()
    {
        return undeclared;
    }
}
