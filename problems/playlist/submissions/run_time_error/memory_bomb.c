/* Takes memory without end. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
    /* No sandbox runs as root: spare whoever starts this by mistake. */
    if (getuid() == 0)
        return 1;
    for (;;) {
        char *block = malloc(1 << 20);
        if (block == NULL)
            return 1;
        memset(block, 1, 1 << 20);
    }
}
