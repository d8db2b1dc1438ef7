/* Takes and touches memory without end. */
#include <stdlib.h>
#include <string.h>

int main(void)
{
    for (;;) {
        char *block = malloc(16 << 20);
        if (block == NULL)
            abort();
        memset(block, 0x5a, 16 << 20);
    }
}
