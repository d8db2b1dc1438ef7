/* Standard input in the three wrong ways. */
#include "probe.h"

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	char byte;

	if (!strcmp(how, "ignore")) {
		puts("answer");
		return 0;
	}
	if (!strcmp(how, "read")) {
		while (read(0, &byte, 1) == 1)
			;
		puts("end");
		return 0;
	}
	ATTEMPT("write into standard input", write(0, "x", 1) == 1);
	ATTEMPT("truncate standard input", ftruncate(0, 0) == 0);
	ATTEMPT("reopen standard input for writing", can_write("/proc/self/fd/0"));
	return finish();
}
