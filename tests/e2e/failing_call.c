/* Preloaded into a program: the n-th call of one family fails, as if the system had refused it.
 *
 *   FAILING_FAMILY  write | sync | rename | open | read | truncate | mkdir | unlink | map | connect | receive |
 *                   memory
 *   FAILING_NTH     which call of the family, from 1; 0 only counts
 *   FAILING_ERRNO   with what errno it fails
 *   FAILING_ON      1: so does every later one (a disk that stays full)
 *   FAILING_BELOW   calls on files count only if the file lies below this folder
 *   FAILING_TOLD    a file of two 64-bit numbers: calls of the family, and how many of them failed
 *
 * Counting begins with main(): what a loader or a constructor needs is not the program's to handle.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

struct told {
    _Atomic uint64_t calls;
    _Atomic uint64_t failed;
};

static struct told nobody;
static struct told *told = &nobody;
static char family[16];
static char below[PATH_MAX];
static uint64_t nth;
static int wanted_errno;
static int goes_on;
static atomic_int armed;

__attribute__((constructor)) static void read_environment(void) {
    const char *value;
    if ((value = getenv("FAILING_FAMILY"))) strncpy(family, value, sizeof family - 1);
    if ((value = getenv("FAILING_BELOW"))) strncpy(below, value, sizeof below - 1);
    if ((value = getenv("FAILING_NTH"))) nth = strtoull(value, NULL, 10);
    if ((value = getenv("FAILING_ERRNO"))) wanted_errno = atoi(value);
    if ((value = getenv("FAILING_ON"))) goes_on = atoi(value);
    if (!(value = getenv("FAILING_TOLD"))) return;
    int file = (int)syscall(SYS_openat, AT_FDCWD, value, O_RDWR | O_CLOEXEC, 0);
    void *place = (void *)syscall(SYS_mmap, NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED,
                                  file, 0);
    if (file >= 0 && place != MAP_FAILED) told = place;
    syscall(SYS_close, file);
}

static int (*real_main)(int, char **, char **);

static int counted_main(int argc, char **argv, char **environment) {
    /* What it starts (a password command) is not what is tried. */
    unsetenv("LD_PRELOAD");
    armed = 1;
    int code = real_main(argc, argv, environment);
    armed = 0; /* nor is what runs after main() */
    return code;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*rtld_fini)(void), void *stack_end) {
    real_main = main;
    return NEXT(__libc_start_main)(counted_main, argc, argv, init, fini, rtld_fini, stack_end);
}

/* One call of the chosen family: is it the one? */
static int fails(void) {
    uint64_t call = atomic_fetch_add(&told->calls, 1) + 1;
    if (nth == 0 || (goes_on ? call < nth : call != nth)) return 0;
    atomic_fetch_add(&told->failed, 1);
    errno = wanted_errno;
    return 1;
}

static int chosen(const char *name) {
    return armed && strcmp(family, name) == 0;
}

static int is_below(const char *path) {
    return strncmp(path, below, strlen(below)) == 0;
}

/* Where an open file or directory lies; an unlinked one says where it was. */
static int names_file(int descriptor, char *path) {
    char link[40];
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    errno = before;
    if (length < 0) return 0;
    path[length] = 0;
    return 1;
}

static int fails_on(const char *name, int descriptor) {
    char path[PATH_MAX];
    return chosen(name) && names_file(descriptor, path) && is_below(path) && fails();
}

static int fails_at(const char *name, int directory, const char *path) {
    char place[PATH_MAX];
    if (!chosen(name)) return 0;
    if (path[0] == '/') return is_below(path) && fails();
    return directory != AT_FDCWD && names_file(directory, place) && is_below(place) && fails();
}

/* Receiving only: a peer that is gone shows there, and a send that failed waits for that. */
static int fails_on_socket(int descriptor) {
    struct stat status;
    int before = errno;
    int is_socket = chosen("receive") && fstat(descriptor, &status) == 0 && S_ISSOCK(status.st_mode);
    errno = before;
    return is_socket && fails();
}

/* CALL(result, name, (parameters), (arguments), condition) */
#define CALL(result, name, parameters, arguments, condition) \
    result name parameters {                                 \
        if (condition) return (result)-1;                    \
        return NEXT(name) arguments;                         \
    }

CALL(ssize_t, write, (int fd, const void *at, size_t n), (fd, at, n), fails_on("write", fd))
CALL(ssize_t, writev, (int fd, const struct iovec *at, int n), (fd, at, n), fails_on("write", fd))
CALL(ssize_t, pwrite, (int fd, const void *at, size_t n, off_t to), (fd, at, n, to),
     fails_on("write", fd))
CALL(ssize_t, pwrite64, (int fd, const void *at, size_t n, off64_t to), (fd, at, n, to),
     fails_on("write", fd))

CALL(ssize_t, read, (int fd, void *at, size_t n), (fd, at, n),
     fails_on("read", fd) || fails_on_socket(fd))
CALL(ssize_t, pread, (int fd, void *at, size_t n, off_t to), (fd, at, n, to), fails_on("read", fd))
CALL(ssize_t, pread64, (int fd, void *at, size_t n, off64_t to), (fd, at, n, to),
     fails_on("read", fd))

CALL(int, fsync, (int fd), (fd), fails_on("sync", fd))
CALL(int, fdatasync, (int fd), (fd), fails_on("sync", fd))

CALL(int, rename, (const char *from, const char *to), (from, to),
     fails_at("rename", AT_FDCWD, from))
CALL(int, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to),
     fails_at("rename", a, from))
CALL(int, renameat2, (int a, const char *from, int b, const char *to, unsigned flags),
     (a, from, b, to, flags), fails_at("rename", a, from))
CALL(int, link, (const char *from, const char *to), (from, to), fails_at("rename", AT_FDCWD, from))
CALL(int, linkat, (int a, const char *from, int b, const char *to, int flags),
     (a, from, b, to, flags), fails_at("rename", a, from))

CALL(int, ftruncate, (int fd, off_t n), (fd, n), fails_on("truncate", fd))
CALL(int, ftruncate64, (int fd, off64_t n), (fd, n), fails_on("truncate", fd))

CALL(int, mkdir, (const char *path, mode_t mode), (path, mode), fails_at("mkdir", AT_FDCWD, path))
CALL(int, mkdirat, (int directory, const char *path, mode_t mode), (directory, path, mode),
     fails_at("mkdir", directory, path))

CALL(int, unlink, (const char *path), (path), fails_at("unlink", AT_FDCWD, path))
CALL(int, unlinkat, (int directory, const char *path, int flags), (directory, path, flags),
     fails_at("unlink", directory, path))

CALL(void *, mmap, (void *at, size_t n, int prot, int flags, int fd, off_t from),
     (at, n, prot, flags, fd, from), fd >= 0 && fails_on("map", fd))
CALL(void *, mmap64, (void *at, size_t n, int prot, int flags, int fd, off64_t from),
     (at, n, prot, flags, fd, from), fd >= 0 && fails_on("map", fd))

CALL(int, connect, (int fd, const struct sockaddr *to, socklen_t n), (fd, to, n),
     to->sa_family != AF_UNIX && chosen("connect") && fails())

CALL(ssize_t, recv, (int fd, void *at, size_t n, int flags), (fd, at, n, flags),
     fails_on_socket(fd))
CALL(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags),
     fails_on_socket(fd))

/* What _FORTIFY_SOURCE makes of them. */
ssize_t __read_chk(int fd, void *at, size_t n, size_t room) {
    return n <= room ? read(fd, at, n) : (abort(), -1);
}
ssize_t __pread_chk(int fd, void *at, size_t n, off_t from, size_t room) {
    return n <= room ? pread(fd, at, n, from) : (abort(), -1);
}
ssize_t __pread64_chk(int fd, void *at, size_t n, off64_t from, size_t room) {
    return n <= room ? pread64(fd, at, n, from) : (abort(), -1);
}
ssize_t __recv_chk(int fd, void *at, size_t n, size_t room, int flags) {
    return n <= room ? recv(fd, at, n, flags) : (abort(), -1);
}

static mode_t mode_of(int flags, va_list more) {
    return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(more, mode_t) : 0;
}

#define OPEN(name)                                               \
    int name(const char *path, int flags, ...) {                 \
        va_list more;                                            \
        va_start(more, flags);                                   \
        mode_t mode = mode_of(flags, more);                      \
        va_end(more);                                            \
        if (fails_at("open", AT_FDCWD, path)) return -1;         \
        return NEXT(name)(path, flags, mode);                    \
    }                                                            \
    int __##name##_2(const char *path, int flags) {              \
        return name(path, flags);                                \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                             \
    int name(int directory, const char *path, int flags, ...) {  \
        va_list more;                                            \
        va_start(more, flags);                                   \
        mode_t mode = mode_of(flags, more);                      \
        va_end(more);                                            \
        if (fails_at("open", directory, path)) return -1;        \
        return NEXT(name)(directory, path, flags, mode);         \
    }                                                            \
    int __##name##_2(int directory, const char *path, int flags) { \
        return name(directory, path, flags);                     \
    }
OPENAT(openat)
OPENAT(openat64)

/* The allocator below the C library's names, so that dlsym() may allocate. */
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

void *malloc(size_t size) {
    return chosen("memory") && fails() ? NULL : __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
    return chosen("memory") && fails() ? NULL : __libc_calloc(count, size);
}
void *realloc(void *at, size_t size) {
    return chosen("memory") && size > 0 && fails() ? NULL : __libc_realloc(at, size);
}
void *memalign(size_t alignment, size_t size) {
    return chosen("memory") && fails() ? NULL : __libc_memalign(alignment, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
    return memalign(alignment, size);
}
int posix_memalign(void **at, size_t alignment, size_t size) {
    void *place = memalign(alignment, size);
    if (place == NULL) return ENOMEM;
    *at = place;
    return 0;
}
