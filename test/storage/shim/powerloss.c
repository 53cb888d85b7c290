/*
 * Notes how much of each file has reached the disk: preloaded into a process that is then killed, so that its files can be
 * cut back to what a power loss would have left of them.
 *
 * Each successful fsync or fdatasync of a regular file appends "<device> <inode> <size>\n" to the file named by
 * POWERLOSS_NOTES. The size is taken before the call: what is written meanwhile may or may not be part of it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int notes = -1;

__attribute__((constructor)) static void open_notes(void) {
  const char *path = getenv("POWERLOSS_NOTES");
  if (path != NULL) notes = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int noted(const char *name, int fd) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  struct stat before;
  int is_file = fstat(fd, &before) == 0 && S_ISREG(before.st_mode);
  int result = real(fd);
  if (result == 0 && is_file && notes >= 0) {
    char line[96];
    int length = snprintf(line, sizeof line, "%llu %llu %lld\n", (unsigned long long)before.st_dev,
                          (unsigned long long)before.st_ino, (long long)before.st_size);
    if (write(notes, line, (size_t)length) != length) abort();
  }
  return result;
}

int fsync(int fd) { return noted("fsync", fd); }

int fdatasync(int fd) { return noted("fdatasync", fd); }
