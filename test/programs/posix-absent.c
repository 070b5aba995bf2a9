/*
 * POSIX calls that WASI has nothing to offer for and wasi-libc leaves out: owners and modes of files,
 * other processes, alarms, pages. Programs call them in passing; here each does what it would where it is
 * not permitted: nothing, or it fails with ENOSYS. The programs' own sources stay as they are.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/types.h>

static int absent(void) {
  errno = ENOSYS;
  return -1;
}

/* Modes and owners: bzip2 copies those of its input to its output, and here all files are alike. */
int chmod(const char *path, mode_t mode) { return 0; }
int fchmod(int fd, mode_t mode) { return 0; }
int fchown(int fd, uid_t owner, gid_t group) { return 0; }
uid_t getuid(void) { return 0; }
uid_t geteuid(void) { return 0; }

/* Pages: SQLite asks how large those of the machine are. WebAssembly's are. */
int getpagesize(void) { return 65536; }

/* Other processes: picosat reads compressed input through gunzip, Lua has os.execute. */
FILE *popen(const char *command, const char *mode) {
  absent();
  return NULL;
}
int pclose(FILE *stream) { return absent(); }
int system(const char *command) { return command == NULL ? 0 : absent(); }

/* Temporary files: there is no /tmp. */
FILE *tmpfile(void) {
  absent();
  return NULL;
}
char *tmpnam(char *buffer) { return NULL; }
int mkstemp(char *template) { return absent(); }

/* Alarms: nothing interrupts a kernel. */
unsigned alarm(unsigned seconds) { return 0; }
