#include "postrider/store/state_dir.h"

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "postrider/base/file_handle.h"
#include "postrider/base/files.h"
#include "postrider/base/text.h"

namespace postrider::store {
namespace {

constexpr const char* kLockName = "lock";

tl::unexpected<Error> refused(std::string text) {
    return failure(Errc::config, Retry::never, std::move(text));
}

/// Absolute and without trailing slashes: open(2) follows "link/" even with O_NOFOLLOW.
Expected<std::string> absolute_path(const std::string& path) {
    if (path.empty()) {
        return refused("the state directory has no name: set state_dir");
    }
    std::error_code error;
    std::string absolute = std::filesystem::absolute(path, error).string();
    if (error) {
        return failure(file_error("cannot tell where " + path + " is", error.value()));
    }
    while (absolute.size() > 1 && absolute.back() == '/') {
        absolute.pop_back();
    }
    return absolute;
}

Error cannot_use(const std::string& path, int error_number) {
    Error error = file_error("cannot use the state directory " + path, error_number);
    switch (error_number) {
        case ENOENT:
            error.text += ": its parent directory must exist; create it, or set state_dir";
            break;
        case EACCES:
        case EPERM:
        case EROFS:
            error.text +=
                ": it must be writable for the user who runs postrider; change its owner "
                "(chown), or set state_dir to a directory of this user";
            break;
        case ENOTDIR:
            error.text += ": set state_dir to a directory";
            break;
        default:
            break;
    }
    return error;
}

Expected<void> check_trust(int directory, const std::string& path) {
    struct stat status {};
    if (::fstat(directory, &status) != 0) {
        return failure(cannot_use(path, errno));
    }
    if (status.st_uid != ::geteuid()) {
        return refused(fmt::format(
            "the state directory {} belongs to user {}, but postrider runs as user {}: run it as "
            "that user, or set state_dir",
            path, status.st_uid, ::geteuid()));
    }
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return refused(fmt::format(
            "the state directory {} is writable for others than its owner: chmod go-w {}", path,
            path));
    }
    return {};
}

/// A link that root made for somebody else, where nobody but root can put one: that is how systemd
/// keeps the directories of a DynamicUser.
bool is_link_by_root(const std::string& path, const struct stat& link) {
    struct stat parent {};
    return ::geteuid() != 0 && link.st_uid == 0 &&
           ::stat(std::filesystem::path(path).parent_path().c_str(), &parent) == 0 &&
           parent.st_uid == 0 && (parent.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/// The path itself, or where it leads to if it is a link that can be trusted.
std::string resolved(const std::string& path) {
    struct stat link {};
    if (::lstat(path.c_str(), &link) != 0 || !S_ISLNK(link.st_mode) ||
        !is_link_by_root(path, link)) {
        return path;
    }
    std::error_code error;
    const std::filesystem::path target = std::filesystem::canonical(path, error);
    return error ? path : target.string();
}

Expected<FileHandle> open_state_directory(const std::string& path) {
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
        return failure(cannot_use(path, errno));
    }
    struct stat status {};
    if (::lstat(path.c_str(), &status) == 0 && S_ISLNK(status.st_mode)) {
        return refused("the state directory " + path +
                       " is a symbolic link: set state_dir to the directory it points to");
    }
    FileHandle directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory.is_open()) {
        return failure(cannot_use(path, errno));
    }
    if (auto trusted = check_trust(directory.get(), path); !trusted) {
        return failure(trusted.error());
    }
    if (auto durable =
            make_path_durable(path, "cannot make the state directory " + path + " durable");
        !durable) {
        return failure(durable.error());
    }
    return directory;
}

std::string holder_of(int lock) {
    std::array<char, 32> text{};
    const ssize_t got = ::pread(lock, text.data(), text.size(), 0);
    const auto pid =
        got <= 0
            ? std::nullopt
            : parse_unsigned(trimmed(std::string_view(text.data(), static_cast<std::size_t>(got))));
    return pid ? fmt::format("process {}", *pid) : "another process";
}

/// flock(2) rather than a pid alone: it ends with its holder, however that one ends. The
/// file stays; removing it would let two processes hold two locks.
Expected<FileHandle> take_lock(int directory, const std::string& path) {
    FileHandle lock(
        ::openat(directory, kLockName, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!lock.is_open()) {
        return failure(cannot_use(path, errno));
    }
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            return failure(cannot_use(path, errno));
        }
        return failure(Errc::locked, Retry::later,
                       fmt::format("{} already works with the state directory {}",
                                   holder_of(lock.get()), path));
    }
    if (::ftruncate(lock.get(), 0) != 0) {
        return failure(cannot_use(path, errno));
    }
    const std::string pid = fmt::format("{}\n", ::getpid());
    if (auto written = write_all(lock.get(), pid, "cannot use the state directory " + path);
        !written) {
        return failure(written.error());
    }
    return lock;
}

}  // namespace

struct StateDir::Descriptors {
    FileHandle directory;
    FileHandle lock;
};

Expected<void> StateDir::make(const std::string& path) {
    const auto absolute = absolute_path(path);
    if (!absolute) {
        return failure(absolute.error());
    }
    if (::mkdir(absolute->c_str(), 0700) != 0 && errno != EEXIST) {
        return failure(cannot_use(*absolute, errno));
    }
    return {};
}

Expected<StateDir> StateDir::open(const std::string& path) {
    auto absolute = absolute_path(path);
    if (!absolute) {
        return failure(absolute.error());
    }
    absolute = resolved(*absolute);
    auto directory = open_state_directory(*absolute);
    if (!directory) {
        return failure(directory.error());
    }
    auto lock = take_lock(directory->get(), *absolute);
    if (!lock) {
        return failure(lock.error());
    }
    const auto spool = open_directory(directory->get(), "spool",
                                      "cannot use the directory " + *absolute + "/spool");
    if (!spool) {
        return failure(spool.error());
    }
    return StateDir(*std::move(absolute), std::make_unique<Descriptors>(Descriptors{
                                              *std::move(directory), *std::move(lock)}));
}

StateDir::StateDir(std::string path, std::unique_ptr<Descriptors> descriptors)
    : path_(std::move(path)), descriptors_(std::move(descriptors)) {}

StateDir::StateDir(StateDir&&) noexcept = default;
StateDir& StateDir::operator=(StateDir&&) noexcept = default;
StateDir::~StateDir() = default;

std::string StateDir::ledger_path() const {
    return path_ + "/ledger.db";
}

std::string StateDir::spool_path() const {
    return path_ + "/spool";
}

std::string StateDir::held_path() const {
    return path_ + "/held";
}

int StateDir::descriptor() const {
    return descriptors_->directory.get();
}

bool StateDir::is_volatile() const {
    struct statfs status {};
    if (::fstatfs(descriptor(), &status) != 0) {
        return false;
    }
    return status.f_type == TMPFS_MAGIC || status.f_type == RAMFS_MAGIC;
}

}  // namespace postrider::store
