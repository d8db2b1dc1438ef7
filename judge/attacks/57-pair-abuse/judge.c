/* An honest validator with a secret: 42 when the submission found nothing. */
#include <stdio.h>
#include <string.h>

int main(void)
{
	char line[64] = "";
	FILE *secret = fopen("secret", "r");

	if (!secret || !fgets(line, sizeof line, secret))
		return 9;
	puts("go");
	fflush(stdout);
	if (!fgets(line, sizeof line, stdin))
		return 43;
	return strcmp(line, "blocked\n") ? 43 : 42;
}
