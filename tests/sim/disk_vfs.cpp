#include "sim/disk_vfs.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sqlite3.h>

#include "sim/random.h"

namespace postrider::sim {

namespace {

/// SQLite reads its clock in milliseconds of the Julian calendar.
constexpr std::int64_t kJulianOf1970 = 210866760000000;

int failure_of(ssize_t result, int otherwise) {
    return result == -ENOSPC ? SQLITE_FULL : otherwise;
}

}  // namespace

struct DiskVfs::State {
    Disk& disk;
    const test::SimLoop& loop;
    Random random;
    sqlite3_vfs vfs{};
    sqlite3_vfs* usual = nullptr;  ///< to be the default again
};

/// What SQLite calls. An open file is a File, in memory that SQLite gives.
class DiskVfs::Methods {
  public:
    struct Inside {
        State& state;
        int descriptor;
        std::string path;
        bool is_name_unsafe;  ///< its directory was not fsynced since it was made
        std::vector<std::unique_ptr<std::vector<char>>> shared;  ///< the index of a log
    };
    struct File {
        sqlite3_file base;
        Inside* inside;
    };

    static State& state_of(sqlite3_vfs* vfs) { return *static_cast<State*>(vfs->pAppData); }
    static Inside& inside(sqlite3_file* file) { return *reinterpret_cast<File*>(file)->inside; }

    static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags,
                    int* out_flags) {
        State& state = state_of(vfs);
        const bool creates = (flags & SQLITE_OPEN_CREATE) != 0;
        const std::string name = path == nullptr ? std::string(Disk::kRoot) + "/temporary" : path;
        const bool is_new = !state.disk.status(-1, name).has_value();
        file->pMethods = nullptr;
        const int descriptor = state.disk.open(-1, name, O_RDWR | (creates ? O_CREAT : 0));
        if (descriptor < 0) {
            return descriptor == -ENOSPC ? SQLITE_FULL : SQLITE_CANTOPEN;
        }
        const bool is_log = (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;
        auto opened =
            std::make_unique<Inside>(Inside{state, descriptor, name, is_log && is_new, {}});
        reinterpret_cast<File*>(file)->inside = opened.release();
        file->pMethods = &methods();
        if (out_flags != nullptr) {
            *out_flags = flags;
        }
        return SQLITE_OK;
    }

    static int remove(sqlite3_vfs* vfs, const char* path, int sync_directory) {
        Disk& disk = state_of(vfs).disk;
        const int result = disk.unlink(-1, path);
        if (result == -ENOENT) {
            return SQLITE_IOERR_DELETE_NOENT;
        }
        if (result < 0) {
            return SQLITE_IOERR_DELETE;
        }
        return sync_directory != 0 ? sync_parent(disk, path) : SQLITE_OK;
    }

    static int access(sqlite3_vfs* vfs, const char* path, int /*flags*/, int* result) {
        const auto status = state_of(vfs).disk.status(-1, path);
        *result = status && (status->size > 0 || status->is_directory) ? 1 : 0;
        return SQLITE_OK;
    }

    static int full_path(sqlite3_vfs* /*vfs*/, const char* path, int room, char* out) {
        sqlite3_snprintf(room, out, "%s", path);
        return SQLITE_OK;
    }

    static int randomness(sqlite3_vfs* vfs, int count, char* out) {
        const std::string octets = state_of(vfs).random.octets(static_cast<std::size_t>(count));
        octets.copy(out, octets.size());
        return count;
    }

    static int sleep(sqlite3_vfs* /*vfs*/, int microseconds) { return microseconds; }

    static int current_time(sqlite3_vfs* vfs, sqlite3_int64* now) {
        *now = state_of(vfs).loop.wall_now().time_since_epoch().count() + kJulianOf1970;
        return SQLITE_OK;
    }

    static int last_error(sqlite3_vfs* /*vfs*/, int /*room*/, char* /*out*/) { return 0; }

  private:
    static int sync_parent(Disk& disk, const std::string& path) {
        const int directory = disk.open(-1, path.substr(0, path.rfind('/')), O_RDONLY);
        if (directory < 0) {
            return SQLITE_IOERR_DIR_FSYNC;
        }
        const int result = disk.sync(directory);
        disk.close(directory);
        return result < 0 ? SQLITE_IOERR_DIR_FSYNC : SQLITE_OK;
    }

    static int close(sqlite3_file* file) {
        const std::unique_ptr<Inside> closed(&inside(file));
        closed->state.disk.close(closed->descriptor);
        file->pMethods = nullptr;
        return SQLITE_OK;
    }

    static int read(sqlite3_file* file, void* into, int count, sqlite3_int64 offset) {
        const auto wanted = static_cast<std::size_t>(count);
        auto* const octets = static_cast<char*>(into);
        const ssize_t got = inside(file).state.disk.pread(inside(file).descriptor, {octets, wanted},
                                                          static_cast<std::uint64_t>(offset));
        if (got < 0) {
            return SQLITE_IOERR_READ;
        }
        std::fill(octets + got, octets + wanted, '\0');
        return got < count ? SQLITE_IOERR_SHORT_READ : SQLITE_OK;
    }

    static int write(sqlite3_file* file, const void* octets, int count, sqlite3_int64 offset) {
        const ssize_t written = inside(file).state.disk.pwrite(
            inside(file).descriptor,
            {static_cast<const char*>(octets), static_cast<std::size_t>(count)},
            static_cast<std::uint64_t>(offset));
        return written < 0 ? failure_of(written, SQLITE_IOERR_WRITE) : SQLITE_OK;
    }

    static int truncate(sqlite3_file* file, sqlite3_int64 size) {
        const int result = inside(file).state.disk.truncate(inside(file).descriptor,
                                                            static_cast<std::uint64_t>(size));
        return result < 0 ? SQLITE_IOERR_TRUNCATE : SQLITE_OK;
    }

    static int sync(sqlite3_file* file, int /*flags*/) {
        Inside& opened = inside(file);
        if (opened.state.disk.sync(opened.descriptor) < 0) {
            return SQLITE_IOERR_FSYNC;
        }
        if (opened.is_name_unsafe) {
            opened.is_name_unsafe = false;
            return sync_parent(opened.state.disk, opened.path);
        }
        return SQLITE_OK;
    }

    static int size(sqlite3_file* file, sqlite3_int64* size) {
        const auto status = inside(file).state.disk.status(inside(file).descriptor);
        if (!status) {
            return SQLITE_IOERR_FSTAT;
        }
        *size = static_cast<sqlite3_int64>(status->size);
        return SQLITE_OK;
    }

    // There is one connection to a file: nobody to lock out.
    static int lock(sqlite3_file* /*file*/, int /*level*/) { return SQLITE_OK; }
    static int check_lock(sqlite3_file* /*file*/, int* is_reserved) {
        *is_reserved = 0;
        return SQLITE_OK;
    }
    static int control(sqlite3_file* /*file*/, int /*operation*/, void* /*argument*/) {
        return SQLITE_NOTFOUND;
    }
    static int sector_size(sqlite3_file* /*file*/) { return 4096; }
    static int characteristics(sqlite3_file* /*file*/) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

    static int map_shared(sqlite3_file* file, int region, int size, int extend,
                          void volatile** out) {
        auto& shared = inside(file).shared;
        const auto wanted = static_cast<std::size_t>(region);
        *out = nullptr;
        if (shared.size() <= wanted && extend == 0) {
            return SQLITE_OK;
        }
        while (shared.size() <= wanted) {
            shared.push_back(
                std::make_unique<std::vector<char>>(static_cast<std::size_t>(size), '\0'));
        }
        *out = shared[wanted]->data();
        return SQLITE_OK;
    }
    static int lock_shared(sqlite3_file* /*file*/, int /*offset*/, int /*n*/, int /*flags*/) {
        return SQLITE_OK;
    }
    static void barrier(sqlite3_file* /*file*/) {}
    static int unmap_shared(sqlite3_file* file, int /*remove*/) {
        inside(file).shared.clear();
        return SQLITE_OK;
    }

    static const sqlite3_io_methods& methods() {
        static const sqlite3_io_methods kMethods = {2,
                                                    close,
                                                    read,
                                                    write,
                                                    truncate,
                                                    sync,
                                                    size,
                                                    lock,
                                                    lock,
                                                    check_lock,
                                                    control,
                                                    sector_size,
                                                    characteristics,
                                                    map_shared,
                                                    lock_shared,
                                                    barrier,
                                                    unmap_shared,
                                                    nullptr,
                                                    nullptr};
        return kMethods;
    }
};

DiskVfs::DiskVfs(const char* name, Use use, Disk& disk, const test::SimLoop& loop,
                 std::uint64_t seed)
    : state_(std::make_unique<State>(State{disk, loop, Random(scrambled({seed, 0x5f5}))})) {
    sqlite3_initialize();
    state_->usual = use == Use::by_default ? sqlite3_vfs_find(nullptr) : nullptr;
    sqlite3_vfs& vfs = state_->vfs;
    vfs.iVersion = 2;
    vfs.szOsFile = sizeof(Methods::File);
    vfs.mxPathname = 512;
    vfs.zName = name;
    vfs.pAppData = state_.get();
    vfs.xOpen = Methods::open;
    vfs.xDelete = Methods::remove;
    vfs.xAccess = Methods::access;
    vfs.xFullPathname = Methods::full_path;
    vfs.xRandomness = Methods::randomness;
    vfs.xSleep = Methods::sleep;
    vfs.xGetLastError = Methods::last_error;
    vfs.xCurrentTimeInt64 = Methods::current_time;
    sqlite3_vfs_register(&vfs, use == Use::by_default ? 1 : 0);
    sqlite3_randomness(0, nullptr);  // what it has left of another run
}

DiskVfs::~DiskVfs() {
    sqlite3_vfs_unregister(&state_->vfs);
    if (state_->usual != nullptr) {
        sqlite3_vfs_register(state_->usual, 1);
    }
}

}  // namespace postrider::sim
