#include "support/fsync_watch.h"

#include <cerrno>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace postrider::test {
namespace {

using FileId = std::pair<dev_t, ino_t>;

struct Watched {
    std::mutex mutex;
    bool is_on = false;
    std::set<FileId> synced;
    std::map<FileId, int> failing;
};

Watched& watched() {
    static Watched one;
    return one;
}

FileId id_of(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 ? FileId{status.st_dev, status.st_ino} : FileId{};
}

int sync(int file) {
    struct stat status {};
    const bool is_file = ::fstat(file, &status) == 0;
    const FileId id{status.st_dev, status.st_ino};
    Watched& all = watched();
    const std::lock_guard lock(all.mutex);
    if (const auto failing = all.failing.find(id);
        all.is_on && is_file && failing != all.failing.end()) {
        errno = failing->second;
        return -1;
    }
    const int result = static_cast<int>(::syscall(SYS_fsync, file));
    if (all.is_on && is_file && result == 0) {
        all.synced.insert(id);
    }
    return result;
}

}  // namespace

FsyncWatch::FsyncWatch() {
    const std::lock_guard lock(watched().mutex);
    watched().is_on = true;
}

FsyncWatch::~FsyncWatch() {
    const std::lock_guard lock(watched().mutex);
    watched().is_on = false;
    watched().synced.clear();
    watched().failing.clear();
}

bool FsyncWatch::has_synced(const std::string& path) const {
    const std::lock_guard lock(watched().mutex);
    return watched().synced.contains(id_of(path));
}

void FsyncWatch::forget() {
    const std::lock_guard lock(watched().mutex);
    watched().synced.clear();
}

void FsyncWatch::fail(const std::string& path, int error_number) {
    const std::lock_guard lock(watched().mutex);
    if (error_number == 0) {
        watched().failing.erase(id_of(path));
    } else {
        watched().failing[id_of(path)] = error_number;
    }
}

}  // namespace postrider::test

/// In place of the C library's.
extern "C" int fsync(int file) {
    return postrider::test::sync(file);
}
