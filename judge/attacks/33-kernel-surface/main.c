/* Nothing a solution needs; each of these has been a way to root. */
#include "probe.h"

int main(void)
{
	static char zeros[256];
	struct {
		unsigned bytes;
		int type;
		char handle[128];
	} handle = {128, 0, {0}};
	int mount_id;

	ATTEMPT("io_uring_setup", syscall(425, 8, zeros) >= 0);
	ATTEMPT("io_uring_enter", syscall(426, 0, 0, 0, 0, 0, 0) >= 0 || errno == EOPNOTSUPP);
	ATTEMPT("bpf", syscall(SYS_bpf, 0, zeros, 72) >= 0 || errno == EINVAL);
	ATTEMPT("perf_event_open", syscall(SYS_perf_event_open, zeros, 0, -1, -1, 0) >= 0);
	ATTEMPT("userfaultfd", syscall(SYS_userfaultfd, O_CLOEXEC) >= 0);
	ATTEMPT("userfaultfd user mode", syscall(SYS_userfaultfd, O_CLOEXEC | 1) >= 0);
	ATTEMPT("add_key", syscall(SYS_add_key, "user", "k", "v", 1, -4) >= 0);
	ATTEMPT("keyctl join session", syscall(SYS_keyctl, 1, "s") >= 0);
	ATTEMPT("keyctl get user keyring", syscall(SYS_keyctl, 0, -4, 1) >= 0);
	ATTEMPT("request_key", syscall(SYS_request_key, "user", "k", NULL, -4) >= 0);
	ATTEMPT("name_to_handle_at",
		syscall(SYS_name_to_handle_at, AT_FDCWD, "/", &handle, &mount_id, 0) == 0 &&
			syscall(SYS_open_by_handle_at, AT_FDCWD, &handle, O_RDONLY) >= 0);
	ATTEMPT("fanotify", syscall(SYS_fanotify_init, 0, 0) >= 0);
	ATTEMPT("kexec", syscall(SYS_kexec_load, 0, 0, NULL, 0) == 0);
	ATTEMPT("reboot", syscall(SYS_reboot, 0xfee1dead, 672274793, 0, NULL) == 0);
	ATTEMPT("swapon", syscall(SYS_swapon, "/box/x", 0) == 0);
	ATTEMPT("settimeofday", ({
			struct timeval now;
			gettimeofday(&now, NULL);
			settimeofday(&now, NULL) == 0;
		}));
	ATTEMPT("clock_settime", ({
			struct timespec now;
			clock_gettime(CLOCK_REALTIME, &now);
			clock_settime(CLOCK_REALTIME, &now) == 0;
		}));
	ATTEMPT("sethostname", sethostname("x", 1) == 0);
	ATTEMPT("init_module", syscall(SYS_init_module, zeros, 16, "") == 0);
	ATTEMPT("acct", syscall(SYS_acct, "/box/a") == 0);
	ATTEMPT("quotactl", syscall(SYS_quotactl, 0, "/", 0, zeros) == 0);
	ATTEMPT("iopl", syscall(172, 3) == 0);
	ATTEMPT("modify_ldt", syscall(154, 0, zeros, sizeof zeros) >= 0);
	ATTEMPT("personality with ASLR off", syscall(SYS_personality, 0x0040000) >= 0);
	ATTEMPT("memfd_secret", syscall(447, 0) >= 0);
	ATTEMPT("lookup_dcookie", syscall(212, 0, zeros, 0) >= 0);
	ATTEMPT("remap_file_pages on nothing", syscall(216, 0, 0, 0, 0, 0) == 0);
	ATTEMPT("move_pages of PID 1", syscall(SYS_move_pages, 1, 0, NULL, NULL, NULL, 0) == 0);
	ATTEMPT("migrate_pages", syscall(SYS_migrate_pages, 1, 0, zeros, zeros) == 0);
	ATTEMPT("seccomp listener", syscall(SYS_seccomp, 1, 8, zeros) >= 0);
	return finish();
}
