/* A file system that refuses locks: every flock and fcntl lock fails with the number in LOCK_ERRNO. Used by LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>

static int refused(void) {
    const char *number = getenv("LOCK_ERRNO");
    errno = number ? atoi(number) : ENOLCK;
    return -1;
}

int flock(int fd, int operation) {
    (void)fd;
    (void)operation;
    return refused();
}

static int pass(const char *name, int fd, int command, void *argument) {
    if (command == F_SETLK || command == F_SETLKW) return refused();
    int (*next)(int, int, ...) = (int (*)(int, int, ...))dlsym(RTLD_NEXT, name);
    return next(fd, command, argument);
}

int fcntl(int fd, int command, ...) {
    va_list rest;
    va_start(rest, command);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    return pass("fcntl", fd, command, argument);
}

int fcntl64(int fd, int command, ...) {
    va_list rest;
    va_start(rest, command);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    return pass("fcntl64", fd, command, argument);
}
