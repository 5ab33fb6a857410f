// The calls that the linker leads here. Their names are the linker's.
#include "sim/system_calls.h"

#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "postrider/base/assert.h"

#include "sim/disk.h"

namespace postrider::sim {
namespace {

Disk* the_disk = nullptr;
Random* the_entropy = nullptr;

/// A directory being read.
struct Listing {
    int descriptor = -1;
    std::vector<std::string> names;
    std::size_t next = 0;
    dirent entry{};
};

/// As the kernel returns it: -1 and errno.
template <class Number>
Number answer(Number result) {
    if (result < 0) {
        errno = static_cast<int>(-result);
        return -1;
    }
    return result;
}

bool is_ours(int directory, const char* path) {
    return the_disk != nullptr && (path[0] == '/' ? Disk::owns(path) : Disk::owns(directory));
}

bool is_ours(int descriptor) {
    return the_disk != nullptr && Disk::owns(descriptor);
}

/// A file of ours that others cannot write.
void describe(const Disk::Status& status, struct stat* into) {
    *into = {};
    into->st_mode = status.is_directory ? (S_IFDIR | 0700U) : (S_IFREG | 0600U);
    into->st_size = static_cast<off_t>(status.size);
    into->st_uid = ::geteuid();
}

int status_at(int directory, const char* path, struct stat* into) {
    const auto status = the_disk->status(directory, path);
    if (!status) {
        return answer(-ENOENT);
    }
    describe(*status, into);
    return 0;
}

}  // namespace

SystemCalls::SystemCalls(Disk& disk, std::uint64_t seed) : entropy_(seed) {
    POSTRIDER_ASSERT(the_disk == nullptr);
    the_disk = &disk;
    the_entropy = &entropy_;
}

SystemCalls::~SystemCalls() {
    the_disk = nullptr;
    the_entropy = nullptr;
}

}  // namespace postrider::sim

using postrider::sim::answer;
using postrider::sim::Disk;
using postrider::sim::is_ours;
using postrider::sim::the_disk;
using postrider::sim::the_entropy;

// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming,cert-dcl37-c)
extern "C" {

int __real_open(const char* path, int flags, ...);
int __real_openat(int directory, const char* path, int flags, ...);
int __real_close(int descriptor);
ssize_t __real_read(int descriptor, void* into, size_t count);
ssize_t __real_pread(int descriptor, void* into, size_t count, off_t offset);
ssize_t __real_write(int descriptor, const void* octets, size_t count);
int __real_ftruncate(int descriptor, off_t size);
int __real_fsync(int descriptor);
int __real_flock(int descriptor, int operation);
int __real_mkdir(const char* path, mode_t mode);
int __real_mkdirat(int directory, const char* path, mode_t mode);
int __real_lstat(const char* path, struct stat* into);
int __real_fstat(int descriptor, struct stat* into);
int __real_fstatat(int directory, const char* path, struct stat* into, int flags);
int __real_renameat(int from_directory, const char* from, int to_directory, const char* to);
int __real_renameat2(int from_directory, const char* from, int to_directory, const char* to,
                     unsigned flags);
int __real_linkat(int from_directory, const char* from, int to_directory, const char* to,
                  int flags);
int __real_faccessat(int directory, const char* path, int mode, int flags);
int __real_unlink(const char* path);
int __real_unlinkat(int directory, const char* path, int flags);
DIR* __real_fdopendir(int descriptor);
dirent* __real_readdir(DIR* directory);
int __real_closedir(DIR* directory);

int __wrap_open(const char* path, int flags, ...) {
    if (is_ours(AT_FDCWD, path)) {
        // As a file system without O_TMPFILE: there is a second way.
        return answer((flags & O_TMPFILE) == O_TMPFILE ? -EOPNOTSUPP
                                                       : the_disk->open(AT_FDCWD, path, flags));
    }
    if (the_disk != nullptr && std::string_view(path) == "/") {
        return answer(-EACCES);  // what is above the simulated disk is an administrator's
    }
    va_list rest;
    va_start(rest, flags);
    const auto mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : mode_t{};
    va_end(rest);
    return __real_open(path, flags, mode);
}

int __wrap_openat(int directory, const char* path, int flags, ...) {
    if (is_ours(directory, path)) {
        return answer(the_disk->open(directory, path, flags));
    }
    va_list rest;
    va_start(rest, flags);
    const auto mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : mode_t{};
    va_end(rest);
    return __real_openat(directory, path, flags, mode);
}

int __wrap_mkostemp(char* path, int flags) {
    static_cast<void>(flags);
    // The file is unlinked at once: its name does not matter.
    return answer(the_disk->open(AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL));
}

int __wrap_close(int descriptor) {
    return is_ours(descriptor) ? answer(the_disk->close(descriptor)) : __real_close(descriptor);
}

ssize_t __wrap_read(int descriptor, void* into, size_t count) {
    return is_ours(descriptor)
               ? answer(the_disk->read(descriptor, {static_cast<char*>(into), count}))
               : __real_read(descriptor, into, count);
}

ssize_t __wrap_pread(int descriptor, void* into, size_t count, off_t offset) {
    return is_ours(descriptor)
               ? answer(the_disk->pread(descriptor, {static_cast<char*>(into), count},
                                        static_cast<std::uint64_t>(offset)))
               : __real_pread(descriptor, into, count, offset);
}

ssize_t __wrap_write(int descriptor, const void* octets, size_t count) {
    return is_ours(descriptor)
               ? answer(the_disk->write(descriptor, {static_cast<const char*>(octets), count}))
               : __real_write(descriptor, octets, count);
}

int __wrap_ftruncate(int descriptor, off_t size) {
    return is_ours(descriptor)
               ? answer(the_disk->truncate(descriptor, static_cast<std::uint64_t>(size)))
               : __real_ftruncate(descriptor, size);
}

int __wrap_fsync(int descriptor) {
    return is_ours(descriptor) ? answer(the_disk->sync(descriptor)) : __real_fsync(descriptor);
}

int __wrap_flock(int descriptor, int operation) {
    return is_ours(descriptor) ? 0 : __real_flock(descriptor, operation);
}

pid_t __wrap_getpid() {
    return 4711;
}

int __wrap_mkdir(const char* path, mode_t mode) {
    return is_ours(AT_FDCWD, path) ? answer(the_disk->make_directory(AT_FDCWD, path))
                                   : __real_mkdir(path, mode);
}

int __wrap_mkdirat(int directory, const char* path, mode_t mode) {
    return is_ours(directory, path) ? answer(the_disk->make_directory(directory, path))
                                    : __real_mkdirat(directory, path, mode);
}

int __wrap_lstat(const char* path, struct stat* into) {
    return is_ours(AT_FDCWD, path) ? postrider::sim::status_at(AT_FDCWD, path, into)
                                   : __real_lstat(path, into);
}

int __wrap_fstatat(int directory, const char* path, struct stat* into, int flags) {
    return is_ours(directory, path) ? postrider::sim::status_at(directory, path, into)
                                    : __real_fstatat(directory, path, into, flags);
}

int __wrap_fstat(int descriptor, struct stat* into) {
    if (!is_ours(descriptor)) {
        return __real_fstat(descriptor, into);
    }
    const auto status = the_disk->status(descriptor);
    if (!status) {
        return answer(-EBADF);
    }
    postrider::sim::describe(*status, into);
    return 0;
}

int __wrap_renameat(int from_directory, const char* from, int to_directory, const char* to) {
    return is_ours(from_directory, from)
               ? answer(the_disk->rename(from_directory, from, to_directory, to))
               : __real_renameat(from_directory, from, to_directory, to);
}

int __wrap_renameat2(int from_directory, const char* from, int to_directory, const char* to,
                     unsigned flags) {
    if (!is_ours(from_directory, from)) {
        return __real_renameat2(from_directory, from, to_directory, to, flags);
    }
    if (flags == 0) {
        return answer(the_disk->rename(from_directory, from, to_directory, to));
    }
    if (flags != RENAME_NOREPLACE || the_disk->is_plain()) {
        return answer(-EINVAL);
    }
    return answer(the_disk->status(to_directory, to)
                      ? -EEXIST
                      : the_disk->rename(from_directory, from, to_directory, to));
}

int __wrap_linkat(int from_directory, const char* from, int to_directory, const char* to,
                  int flags) {
    return is_ours(from_directory, from)
               ? answer(the_disk->link(from_directory, from, to_directory, to))
               : __real_linkat(from_directory, from, to_directory, to, flags);
}

// Whatever is there may be used.
int __wrap_faccessat(int directory, const char* path, int mode, int flags) {
    if (!is_ours(directory, path)) {
        return __real_faccessat(directory, path, mode, flags);
    }
    return answer(the_disk->status(directory, path) ? 0 : -ENOENT);
}

int __wrap_unlink(const char* path) {
    return is_ours(AT_FDCWD, path) ? answer(the_disk->unlink(AT_FDCWD, path)) : __real_unlink(path);
}

int __wrap_unlinkat(int directory, const char* path, int flags) {
    return is_ours(directory, path) ? answer(the_disk->unlink(directory, path))
                                    : __real_unlinkat(directory, path, flags);
}

// std::random_device::operator().
unsigned __wrap__ZNSt13random_device9_M_getvalEv(void* /*device*/) {
    POSTRIDER_ASSERT(the_entropy != nullptr);
    return static_cast<unsigned>(the_entropy->next());
}

// Streams of directories are ours alone: nothing else in this program reads any.
DIR* __wrap_fdopendir(int descriptor) {
    POSTRIDER_ASSERT(is_ours(descriptor));
    auto listing = std::make_unique<postrider::sim::Listing>();
    listing->descriptor = descriptor;
    listing->names = the_disk->names(descriptor);
    return reinterpret_cast<DIR*>(listing.release());
}

dirent* __wrap_readdir(DIR* directory) {
    auto& listing = *reinterpret_cast<postrider::sim::Listing*>(directory);
    if (listing.next == listing.names.size()) {
        return nullptr;
    }
    const std::string& name = listing.names[listing.next++];
    POSTRIDER_ASSERT(name.size() < sizeof listing.entry.d_name);
    name.copy(listing.entry.d_name, name.size());
    listing.entry.d_name[name.size()] = '\0';
    return &listing.entry;
}

int __wrap_closedir(DIR* directory) {
    const std::unique_ptr<postrider::sim::Listing> listing(
        reinterpret_cast<postrider::sim::Listing*>(directory));
    return answer(the_disk->close(listing->descriptor));
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming,cert-dcl37-c)
