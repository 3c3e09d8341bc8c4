/* What a process asks of its files, seen from outside: loaded before the C library (LD_PRELOAD), this counts every
   change of a file below one folder, and at a chosen one kills the process, lets the call fail, or writes half.

   A change: creating, writing, truncating, syncing, renaming, deleting. Reads are counted apart. Calls of one thread
   come one at a time; the code under test writes from one thread.

   storm_watch(folder)            changes below it are counted from here on
   storm_arm(mode, at, error)     what happens at the change (or read) number `at`, counted from 1 from here on
   storm_count(reads)             how many there have been since
   storm_log(fd)                  from here on every change is written there, to be replayed
   storm_mark(number)             a note in that log */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NOTHING, KILL, KILL_HALF, FAIL, FAIL_ON, SHORT, FAIL_READ };

#define FDS 4096
static char *names[FDS]; /* the watched path of an open file, or NULL */
static char folder[4096];
static size_t folder_length;
static int mode, error_number, log_fd = -1;
static long at, changes, reads;

void storm_watch(const char *path) {
    strncpy(folder, path, sizeof folder - 1);
    folder_length = strlen(folder);
}

void storm_arm(int new_mode, long new_at, int new_error) {
    mode = new_mode, at = new_at, error_number = new_error, changes = reads = 0;
}

long storm_count(int of_reads) { return of_reads ? reads : changes; }

void storm_log(int fd) { log_fd = fd; }

static int watched(const char *path) {
    return folder_length && path && !strncmp(path, folder, folder_length);
}

static const char *name_of(int fd) { return fd >= 0 && fd < FDS ? names[fd] : NULL; }

static void put(const void *data, size_t length) {
    while (length) {
        long n = syscall(SYS_write, log_fd, data, length);
        if (n <= 0) return;
        data = (const char *)data + n, length -= n;
    }
}

/* One record: kind, length of the name, place, length of the data; name; data. */
static void note(char kind, const char *name, int64_t place, const void *data, int64_t length) {
    if (log_fd < 0) return;
    struct __attribute__((packed)) { char kind; uint16_t name; int64_t place, length; } head = {
        kind, (uint16_t)strlen(name), place, length};
    put(&head, sizeof head);
    put(name, head.name);
    put(data, length);
}

void storm_mark(long number) { note('m', "", number, "", 0); }

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

/* Before a change of `length` bytes (0: no write): how many of them to write, or -1 with errno for a failure. */
static int64_t change(int64_t length) {
    long number = __atomic_add_fetch(&changes, 1, __ATOMIC_SEQ_CST);
    if (mode == NOTHING || mode == FAIL_READ || number < at || (number > at && mode != FAIL_ON)) return length;
    if (mode == KILL || (mode == KILL_HALF && length < 2)) die();
    if (mode == KILL_HALF || mode == SHORT) return length < 2 ? length : length / 2;
    errno = error_number;
    return -1;
}

static void after(void) {
    if (mode == KILL_HALF && changes == at) die();
}

static int read_fails(void) {
    if (__atomic_add_fetch(&reads, 1, __ATOMIC_SEQ_CST) != at || mode != FAIL_READ) return 0;
    errno = error_number;
    return 1;
}

#define REAL(result, name, ...)                                        \
    static result (*real)(__VA_ARGS__);                                \
    if (!real) real = (result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

/* Opening. */

static int opened(int fd, const char *path, int made, int flags) {
    if (fd < 0 || fd >= FDS) return fd;
    free(names[fd]);
    names[fd] = watched(path) ? strdup(path) : NULL;
    if (names[fd] && made) note('c', path, 0, "", 0);
    if (names[fd] && !made && flags & O_TRUNC) note('t', path, 0, "", 0);
    return fd;
}

static int changes_by_opening(const char *path, int flags, int *made) {
    if (!watched(path) || !(flags & (O_CREAT | O_TRUNC))) return 0;
    struct stat there;
    int missing = stat(path, &there) != 0;
    *made = flags & O_CREAT && missing;
    return *made || (flags & O_TRUNC && !missing);
}

#define OPEN(NAME)                                                     \
    int NAME(const char *path, int flags, ...) {                       \
        REAL(int, NAME, const char *, int, ...);                       \
        va_list rest;                                                  \
        va_start(rest, flags);                                         \
        int permissions = va_arg(rest, int), made = 0;                 \
        va_end(rest);                                                  \
        if (changes_by_opening(path, flags, &made) && change(0) < 0) return -1; \
        return opened(real(path, flags, permissions), path, made, flags); \
    }
OPEN(open)
OPEN(open64)

int close(int fd) {
    REAL(int, close, int);
    if (fd >= 0 && fd < FDS && names[fd]) {
        free(names[fd]);
        names[fd] = NULL;
    }
    return real(fd);
}

/* Writing. */

static off_t end_of_writing(int fd) {
    struct stat there;
    if (fcntl(fd, F_GETFL) & O_APPEND) return fstat(fd, &there) ? 0 : there.st_size;
    return lseek(fd, 0, SEEK_CUR);
}

ssize_t write(int fd, const void *data, size_t length) {
    REAL(ssize_t, write, int, const void *, size_t);
    if (!name_of(fd)) return real(fd, data, length);
    int64_t part = change(length);
    if (part < 0) return -1;
    off_t place = end_of_writing(fd);
    ssize_t written = real(fd, data, part);
    if (written > 0) note('w', names[fd], place, data, written);
    after();
    return written;
}

#define PWRITE(NAME)                                                   \
    ssize_t NAME(int fd, const void *data, size_t length, off_t place) { \
        REAL(ssize_t, NAME, int, const void *, size_t, off_t);         \
        if (!name_of(fd)) return real(fd, data, length, place);        \
        int64_t part = change(length);                                 \
        if (part < 0) return -1;                                       \
        ssize_t written = real(fd, data, part, place);                 \
        if (written > 0) note('w', names[fd], place, data, written);   \
        after();                                                       \
        return written;                                                \
    }
PWRITE(pwrite)
PWRITE(pwrite64)

#define TRUNCATE(NAME)                                                 \
    int NAME(int fd, off_t length) {                                   \
        REAL(int, NAME, int, off_t);                                   \
        if (!name_of(fd)) return real(fd, length);                     \
        if (change(0) < 0) return -1;                                  \
        int result = real(fd, length);                                 \
        if (!result) note('t', names[fd], length, "", 0);              \
        return result;                                                 \
    }
TRUNCATE(ftruncate)
TRUNCATE(ftruncate64)

#define TRUNCATE_PATH(NAME)                                            \
    int NAME(const char *path, off_t length) {                         \
        REAL(int, NAME, const char *, off_t);                          \
        if (!watched(path)) return real(path, length);                 \
        if (change(0) < 0) return -1;                                  \
        int result = real(path, length);                               \
        if (!result) note('t', path, length, "", 0);                   \
        return result;                                                 \
    }
TRUNCATE_PATH(truncate)
TRUNCATE_PATH(truncate64)

/* Syncing. */

#define SYNC(NAME)                                                     \
    int NAME(int fd) {                                                 \
        REAL(int, NAME, int);                                          \
        if (!name_of(fd)) return real(fd);                             \
        if (change(0) < 0) return -1;                                  \
        note('s', names[fd], 0, "", 0);                                \
        return 0; /* the storm rebuilds cuts by itself: no disk has to be waited for */ \
    }
SYNC(fsync)
SYNC(fdatasync)

/* Names. */

int rename(const char *from, const char *to) {
    REAL(int, rename, const char *, const char *);
    if (!watched(to)) return real(from, to);
    if (change(0) < 0) return -1;
    int result = real(from, to);
    if (!result) note('r', from, 0, to, strlen(to));
    return result;
}

int unlink(const char *path) {
    REAL(int, unlink, const char *);
    if (!watched(path)) return real(path);
    if (change(0) < 0) return -1;
    int result = real(path);
    if (!result) note('u', path, 0, "", 0);
    return result;
}

/* Reading. */

ssize_t read(int fd, void *data, size_t length) {
    REAL(ssize_t, read, int, void *, size_t);
    if (name_of(fd) && read_fails()) return -1;
    return real(fd, data, length);
}

#define PREAD(NAME)                                                    \
    ssize_t NAME(int fd, void *data, size_t length, off_t place) {     \
        REAL(ssize_t, NAME, int, void *, size_t, off_t);               \
        if (name_of(fd) && read_fails()) return -1;                    \
        return real(fd, data, length, place);                          \
    }
PREAD(pread)
PREAD(pread64)
