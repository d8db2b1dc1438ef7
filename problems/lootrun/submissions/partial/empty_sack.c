/* A sack with nothing in it is a valid sack. */
#include <stdio.h>

int main(void)
{
    puts("0\n");
    return 0;
}
