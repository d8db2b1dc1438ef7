/* Never opens the wheel. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc != 3)
        return 1;
    int step = atoi(argv[2]) % 26;
    if (argv[1][0] == 'd')
        step = 26 - step;
    for (int c; (c = getchar()) != EOF;)
        putchar(c >= 'A' && c <= 'Z' ? 'A' + (c - 'A' + step) % 26 : c);
    return 0;
}
