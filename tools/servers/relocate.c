/* Preloaded into an unpacked Dovecot: some of its folders are fixed when it is compiled. Paths below
   /usr that exist in the unpacked tree ($RELOCATE_TREE) are looked for there. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *moved(const char *path, char *room) {
    const char *tree = getenv("RELOCATE_TREE");
    if (!tree || !path || strncmp(path, "/usr/", 5) != 0) return path;
    if (snprintf(room, PATH_MAX, "%s%s", tree, path) >= PATH_MAX) return path;
    return access(room, F_OK) == 0 ? room : path;
}

DIR *opendir(const char *path) {
    DIR *(*next)(const char *) = (DIR * (*)(const char *)) dlsym(RTLD_NEXT, "opendir");
    char room[PATH_MAX];
    return next(moved(path, room));
}

void *dlopen(const char *path, int flags) {
    void *(*next)(const char *, int) = (void *(*)(const char *, int))dlsym(RTLD_NEXT, "dlopen");
    char room[PATH_MAX];
    return next(moved(path, room), flags);
}

int execv(const char *path, char *const arguments[]) {
    int (*next)(const char *, char *const[]) =
        (int (*)(const char *, char *const[]))dlsym(RTLD_NEXT, "execv");
    char room[PATH_MAX];
    return next(moved(path, room), arguments);
}
