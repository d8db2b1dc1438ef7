/* /proc/1, sysrq, core_pattern, kcore, cgroup control files, devices. */
#include "probe.h"
#include <sys/sysmacros.h>

int main(void)
{
	static const char *const unreadable[] = {
		"/proc/1/environ", "/proc/1/mem",    "/proc/1/maps",	 "/proc/1/auxv",
		"/proc/kcore",	   "/proc/kmsg",     "/dev/kmsg",	 "/dev/mem",
		"/proc/keys",	   "/proc/timer_list", "/sys/kernel/debug", "/proc/sched_debug",
		"/dev/vda",	   "/dev/sda",	     "/dev/kvm",	 "/proc/1/root/val/secret",
		"/sys/firmware/dmi/tables/DMI", "/proc/1/cwd/secret", "/dev/fuse", "/dev/net/tun",
	};
	static const char *const unwritable[] = {
		"/proc/sysrq-trigger",		 "/proc/sys/kernel/core_pattern",
		"/proc/sys/kernel/hostname",	 "/proc/sys/vm/drop_caches",
		"/proc/sys/fs/mqueue/queues_max", "/proc/sys/net/ipv4/ip_forward",
		"/proc/1/oom_score_adj",	 "/proc/1/comm",
		"/proc/1/mem",			 "/proc/1/coredump_filter",
		"/proc/1/gid_map",		 "/proc/1/uid_map",
		"/proc/1/setgroups",		 "/proc/1/clear_refs",
		"/proc/1/autogroup",		 "/proc/1/sched",
		"/proc/1/fd/0",			 "/proc/1/fd/1",
		"/proc/1/fd/2",			 "/sys/fs/cgroup/cgroup.procs",
		"/sys/fs/cgroup/memory.max",	 "/sys/fs/cgroup/cgroup.kill",
		"/sys/fs/cgroup/memory/memory.limit_in_bytes",
		"/sys/fs/cgroup/memory/cgroup.procs",
		"/sys/fs/cgroup/memory/release_agent", "/sys/fs/cgroup/pids/pids.max",
		"/sys/fs/cgroup/cpuset/cpuset.cpus", "/sys/kernel/uevent_helper",
		"/etc/passwd",			 "/etc/ld.so.preload",
		"/usr/bin/python3",		 "/prog/main",
	};
	unsigned i;

	for (i = 0; i < sizeof unreadable / sizeof *unreadable; i++)
		if (can_read(unreadable[i]))
			leak(unreadable[i]);
	for (i = 0; i < sizeof unwritable / sizeof *unwritable; i++)
		if (can_write(unwritable[i]))
			leak(unwritable[i]);
	ATTEMPT("list /proc/1/fd", can_list("/proc/1/fd"));
	ATTEMPT("list /proc/1/root", can_list("/proc/1/root"));
	ATTEMPT("list /proc/1/map_files", can_list("/proc/1/map_files"));
	ATTEMPT("lower own oom_score_adj", ({
			int fd = open("/proc/self/oom_score_adj", O_WRONLY);
			fd >= 0 && write(fd, "-1000", 5) == 5;
		}));
	ATTEMPT("timer slack of PID 1", ({
			int fd = open("/proc/1/timerslack_ns", O_WRONLY);
			fd >= 0 && write(fd, "1", 1) == 1;
		}));
	ATTEMPT("mknod a disk", mknod("/box/disk", S_IFBLK | 0600, makedev(254, 0)) == 0);
	ATTEMPT("mknod /dev/mem", mknod("/tmp/mem", S_IFCHR | 0600, makedev(1, 1)) == 0);
	ATTEMPT("syslog", syscall(SYS_syslog, 3, "", 0) >= 0);
	return finish();
}
