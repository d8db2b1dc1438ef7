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
	ATTEMPT("write into standard input, opened again", ({
			int fd = open("/proc/self/fd/0", O_RDWR);
			fd >= 0 && (write(fd, "x", 1) == 1 || ftruncate(fd, 0) == 0);
		}));
	ATTEMPT("map standard input for writing",
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, open("/proc/self/fd/0", O_RDWR),
		     0) != MAP_FAILED);
	return finish();
}
