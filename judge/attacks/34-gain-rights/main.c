/* No way up: no set-uid, no capability, no other uid or group, and it stays so after exec. */
#include "probe.h"
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>

static int any_capability(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];
	unsigned i;

	memset(data, 0, sizeof data);
	syscall(SYS_capget, &header, data);
	for (i = 0; i < 2; i++)
		if (data[i].effective | data[i].permitted | data[i].inheritable)
			return 1;
	for (i = 0; i < 41; i++)
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0) == 1)
			return 1;
	return 0;
}

static int regain(void)
{
	uid_t real, effective, saved;

	getresuid(&real, &effective, &saved);
	return real != effective || effective != saved || real == 0;
}

static int becomes_root_by(const char *program)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		execl(program, program, "-c", "id -u | grep -qx 0", (char *)NULL);
		_exit(1);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(void)
{
	gid_t group = 0, groups[64];

	ATTEMPT("has a capability", any_capability());
	ATTEMPT("has another uid in reserve", regain());
	ATTEMPT("supplementary groups", getgroups(64, groups) > 0);
	ATTEMPT("no_new_privs is off", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1);
	ATTEMPT("setuid 0", setuid(0) == 0);
	ATTEMPT("seteuid 0", seteuid(0) == 0);
	ATTEMPT("setuid to the compile role", setuid(getuid() - 1) == 0);
	ATTEMPT("setuid to the validate role", setuid(getuid() + 1) == 0);
	ATTEMPT("setgid 0", setgid(0) == 0);
	ATTEMPT("setgroups", setgroups(1, &group) == 0);
	ATTEMPT("chown to root", ({
			close(open("/box/mine", O_CREAT | O_RDWR, 0700));
			chown("/box/mine", 0, 0) == 0;
		}));
	ATTEMPT("su", becomes_root_by("/bin/su"));
	ATTEMPT("sudo", becomes_root_by("/usr/bin/sudo"));
	ATTEMPT("newgrp", becomes_root_by("/usr/bin/newgrp"));
	ATTEMPT("keep capabilities", prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 && setuid(0) == 0);
	return finish();
}
