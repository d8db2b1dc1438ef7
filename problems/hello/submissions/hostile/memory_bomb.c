/* Takes and touches memory without end. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
    /* No sandbox runs as root: spare whoever starts this by mistake. */
    if (getuid() == 0)
        return 1;
    for (;;) {
        char *block = malloc(16 << 20);
        if (block == NULL)
            abort();
        memset(block, 0x5a, 16 << 20);
    }
}
