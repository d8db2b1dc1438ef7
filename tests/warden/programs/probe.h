/* What the two files of the probe share. */
#ifndef PROBE_H
#define PROBE_H

extern long amount;
void flood(int fd);

/* probe_files.c */
void do_big_file(void);
void do_many_files(void);
void do_open_files(void);
void do_nasty_tree(void);
void do_mark_top(void);
void do_find_mark(void);
void do_hide_pipe(void);

#endif
