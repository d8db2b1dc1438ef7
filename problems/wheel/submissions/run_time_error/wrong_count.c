/* Counts the arguments as if there were three. */
#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc != 4)
        abort();
    return argv[0][0] == 0;
}
