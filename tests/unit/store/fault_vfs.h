#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include <sqlite3.h>

namespace postrider::store::test {

/// As long as it lives, SQLite reaches its files through this: writes and fsyncs can be made to
/// fail or to wait, and what was made durable of each file is kept, as a disk would keep it when
/// the power is cut. One at a time; made before the database is opened.
class FaultVfs {
  public:
    FaultVfs() : real_(sqlite3_vfs_find(nullptr)), vfs_(*real_) {
        vfs_.zName = "postrider-test-fault";
        vfs_.pNext = nullptr;
        vfs_.pAppData = this;
        vfs_.xOpen = on_open;
        vfs_.xDelete = on_delete;
        sqlite3_vfs_register(&vfs_, 1);
    }
    FaultVfs(const FaultVfs&) = delete;
    FaultVfs& operator=(const FaultVfs&) = delete;
    ~FaultVfs() {
        sqlite3_vfs_unregister(&vfs_);
        sqlite3_vfs_register(real_, 1);
    }

    /// SQLITE_OK, or the code with which all writes to a log, or all fsyncs of one, fail.
    std::atomic<int> write_result = SQLITE_OK;
    std::atomic<int> sync_result = SQLITE_OK;

    /// The same for deleting a file, and for reading the last page of the database.
    std::atomic<int> delete_result = SQLITE_OK;
    std::atomic<int> read_result = SQLITE_OK;

    /// A database can be opened for reading only: what SQLite falls back to.
    std::atomic<bool> is_read_only = false;

    /// fsyncs of a log that have begun.
    std::atomic<int> log_syncs = 0;

    /// fsyncs of a log wait until let_syncs_go().
    void hold_syncs() { set_holding(true); }
    void let_syncs_go() { set_holding(false); }

    /// The durable content of every file by path, from the next fsync on.
    std::atomic<bool> keep_durable = false;
    [[nodiscard]] std::map<std::string, std::string> durable() {
        const std::lock_guard lock(mutex_);
        return durable_;
    }

  private:
    /// The methods of an open file, some of them replaced; `methods` is its first member, so that
    /// a file's pMethods leads to the rest.
    struct Patch {
        sqlite3_io_methods methods;
        const sqlite3_io_methods* real;
        FaultVfs* owner;
        std::string path;
        bool is_log;
    };
    static Patch& patch_of(sqlite3_file* file) {
        return *reinterpret_cast<Patch*>(const_cast<sqlite3_io_methods*>(file->pMethods));
    }

    static int on_open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags,
                       int* out_flags) {
        auto* const owner = static_cast<FaultVfs*>(vfs->pAppData);
        if (owner->is_read_only && (flags & SQLITE_OPEN_MAIN_DB) != 0) {
            flags = (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) | SQLITE_OPEN_READONLY;
        }
        const int code = owner->real_->xOpen(owner->real_, path, file, flags, out_flags);
        if (code == SQLITE_OK && file->pMethods != nullptr) {
            auto patch = std::make_unique<Patch>(Patch{*file->pMethods, file->pMethods, owner,
                                                       path == nullptr ? "" : path,
                                                       (flags & SQLITE_OPEN_WAL) != 0});
            patch->methods.xClose = on_close;
            patch->methods.xRead = on_read;
            patch->methods.xWrite = on_write;
            patch->methods.xSync = on_sync;
            file->pMethods = &patch.release()->methods;
        }
        return code;
    }
    static int on_delete(sqlite3_vfs* vfs, const char* path, int sync_directory) {
        auto* const owner = static_cast<FaultVfs*>(vfs->pAppData);
        const int wanted = owner->delete_result;
        return wanted != SQLITE_OK ? wanted
                                   : owner->real_->xDelete(owner->real_, path, sync_directory);
    }
    static int on_read(sqlite3_file* file, void* bytes, int count, sqlite3_int64 offset) {
        const Patch& patch = patch_of(file);
        sqlite3_int64 size = 0;
        if (const int wanted = patch.owner->read_result;
            wanted != SQLITE_OK && !patch.is_log &&
            patch.real->xFileSize(file, &size) == SQLITE_OK && offset + count == size) {
            return wanted;
        }
        return patch.real->xRead(file, bytes, count, offset);
    }
    static int on_close(sqlite3_file* file) {
        const std::unique_ptr<Patch> patch(&patch_of(file));
        file->pMethods = patch->real;
        return patch->real->xClose(file);
    }
    static int on_write(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset) {
        const Patch& patch = patch_of(file);
        const int wanted = patch.is_log ? patch.owner->write_result.load() : SQLITE_OK;
        return wanted != SQLITE_OK ? wanted : patch.real->xWrite(file, bytes, count, offset);
    }
    static int on_sync(sqlite3_file* file, int flags) {
        Patch& patch = patch_of(file);
        if (patch.is_log) {
            ++patch.owner->log_syncs;
            patch.owner->wait_while_holding();
            if (const int wanted = patch.owner->sync_result; wanted != SQLITE_OK) {
                return wanted;
            }
        }
        const int code = patch.real->xSync(file, flags);
        if (code == SQLITE_OK && patch.owner->keep_durable) {
            patch.owner->keep(patch, file);
        }
        return code;
    }

    void keep(const Patch& patch, sqlite3_file* file) {
        const std::lock_guard lock(mutex_);
        sqlite3_int64 size = 0;
        patch.real->xFileSize(file, &size);
        std::string content(static_cast<std::size_t>(size), '\0');
        patch.real->xRead(file, content.data(), static_cast<int>(size), 0);
        durable_[patch.path] = std::move(content);
    }
    void set_holding(bool holding) {
        {
            const std::lock_guard lock(mutex_);
            holding_ = holding;
        }
        changed_.notify_all();
    }
    void wait_while_holding() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return !holding_; });
    }

    sqlite3_vfs* real_;
    sqlite3_vfs vfs_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool holding_ = false;                        ///< guarded by mutex_
    std::map<std::string, std::string> durable_;  ///< guarded by mutex_
};

}  // namespace postrider::store::test
