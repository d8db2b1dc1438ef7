/* The executable and its directory belong to another uid. */
#include "probe.h"

int main(void)
{
	ATTEMPT("write /proc/self/exe", can_write("/proc/self/exe"));
	ATTEMPT("write the program", can_write("/prog/main"));
	ATTEMPT("unlink the program", unlink("/prog/main") == 0);
	ATTEMPT("replace the program", rename("/proc/self/cmdline", "/prog/main") == 0);
	ATTEMPT("rename the program", rename("/prog/main", "/prog/other") == 0);
	ATTEMPT("link beside the program", symlink("/etc/passwd", "/prog/link") == 0);
	ATTEMPT("chmod the program", chmod("/prog/main", 0777) == 0);
	ATTEMPT("chmod /prog", chmod("/prog", 0777) == 0);
	ATTEMPT("rename /prog", rename("/prog", "/tmp/prog") == 0);
	ATTEMPT("touch the program", utimensat(AT_FDCWD, "/prog/main", NULL, 0) == 0);
	ATTEMPT("a file in the program's directory",
		open("/prog/sitecustomize.py", O_CREAT | O_WRONLY, 0644) >= 0);
	return finish();
}
