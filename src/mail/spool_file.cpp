#include "mail/spool_file.h"

#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/types.h>
#include <unistd.h>

namespace postrider::mail {
namespace {

tl::unexpected<Error> io_failure(std::string_view what, const std::string& directory, int number) {
    return failure(Errc::io, Retry::later,
                   fmt::format("cannot {} a spool file in {}: {}", what, directory,
                               std::generic_category().message(number)));
}

/// The file system, not the directory or the disk, is why O_TMPFILE failed (open(2)).
bool lacks_tmpfile(int number) {
    return number == EOPNOTSUPP || number == EISDIR || number == EINVAL;
}

}  // namespace

Expected<SpoolFile> SpoolFile::create(const std::string& directory) {
    // O_EXCL: nobody may give the file a name later with linkat().
    const int fd =
        ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd >= 0) return SpoolFile(fd, directory);
    if (lacks_tmpfile(errno)) return create_and_unlink(directory);
    return io_failure("create", directory, errno);
}

Expected<SpoolFile> SpoolFile::create_and_unlink(const std::string& directory) {
    std::string path = directory + "/postrider-spool-XXXXXX";
    const int fd = ::mkostemp(path.data(), O_CLOEXEC);
    if (fd < 0) return io_failure("create", directory, errno);
    SpoolFile file(fd, directory);
    if (::unlink(path.c_str()) != 0) return io_failure("unlink", directory, errno);
    return file;
}

SpoolFile::SpoolFile(int fd, std::string directory) : fd_(fd), directory_(std::move(directory)) {}

SpoolFile::SpoolFile(SpoolFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), directory_(std::move(other.directory_)) {}

SpoolFile& SpoolFile::operator=(SpoolFile&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(directory_, other.directory_);
    return *this;
}

SpoolFile::~SpoolFile() {
    if (fd_ >= 0) ::close(fd_);
}

Expected<void> SpoolFile::write(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return io_failure("write", directory_, errno);
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

Expected<void> SpoolFile::read(std::uint64_t offset, std::span<char> into) const {
    while (!into.empty()) {
        const ssize_t got = ::pread(fd_, into.data(), into.size(), static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return io_failure("read", directory_, errno);
        if (got == 0) {
            return failure(
                Errc::io, Retry::later,
                fmt::format("a spool file in {} is shorter than what was written", directory_));
        }
        into = into.subspan(static_cast<std::size_t>(got));
        offset += static_cast<std::uint64_t>(got);
    }
    return {};
}

}  // namespace postrider::mail
