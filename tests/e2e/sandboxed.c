/* Runs a program under the system call filter of a systemd unit.
 *
 * usage: sandboxed CALLS PROGRAM ARGUMENT...
 *
 * CALLS is a file with the names of the calls that are allowed, one a line; all others fail with
 * EPERM, and sockets of other families than Unix, IPv4 and IPv6 with EAFNOSUPPORT. New privileges
 * cannot be had, nor memory that is both writable and executable.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static void must(int result, const char *what) {
    if (result < 0) {
        fprintf(stderr, "sandboxed: %s: %s\n", what, strerror(-result));
        _exit(125);
    }
}

static void allow_sockets(scmp_filter_ctx filter) {
    const int families[] = {AF_UNIX, AF_INET, AF_INET6};
    for (size_t i = 0; i < sizeof families / sizeof *families; ++i) {
        must(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                              SCMP_A0(SCMP_CMP_EQ, families[i])), "socket");
    }
}

/* MemoryDenyWriteExecute= */
static void allow_memory(scmp_filter_ctx filter) {
    must(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                          SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, PROT_WRITE)), "mmap");
    must(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                          SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_WRITE, 0)), "mmap");
    must(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                          SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)), "mprotect");
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: sandboxed CALLS PROGRAM ARGUMENT...\n");
        return 125;
    }
    FILE *calls = fopen(argv[1], "r");
    if (calls == NULL) {
        perror(argv[1]);
        return 125;
    }
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    char name[64];
    unsigned allowed = 0;
    while (fscanf(calls, "%63s", name) == 1) {
        const int number = seccomp_syscall_resolve_name(name);
        if (number == __NR_SCMP_ERROR || strcmp(name, "socket") == 0 || strcmp(name, "mmap") == 0 ||
            strcmp(name, "mprotect") == 0) {
            continue; /* of another kernel; or below */
        }
        must(seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0), name);
        ++allowed;
    }
    fclose(calls);
    if (allowed < 100) {
        fprintf(stderr, "sandboxed: only %u calls would be allowed\n", allowed);
        return 125;
    }
    allow_sockets(filter);
    allow_memory(filter);
    must(seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 1), "no new privileges");
    must(seccomp_load(filter), "load");
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    return 126;
}
