/* Prints the way half of Europe writes. */
#include <math.h>
#include <stdio.h>

int main(void)
{
    double t, a[4], b[4], speed;
    char text[64];
    if (scanf("%lf", &t) != 1)
        return 1;
    for (int i = 0; i < 4; i++)
        if (scanf("%lf", &a[i]) != 1)
            return 1;
    for (int i = 0; i < 4; i++) {
        if (scanf("%lf", &b[i]) != 1)
            return 1;
        b[i] -= a[i];
    }
    speed = b[2] * b[2] + b[3] * b[3];
    double when = speed == 0 ? 0 : fmin(fmax(-(b[0] * b[2] + b[1] * b[3]) / speed, 0), t);
    snprintf(text, sizeof text, "%.9f", hypot(b[0] + when * b[2], b[1] + when * b[3]));
    for (char *c = text; *c; c++)
        putchar(*c == '.' ? ',' : *c);
    putchar('\n');
    return 0;
}
