#include "config/file.h"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "postrider/base/secret.h"
#include "postrider/base/text.h"

namespace postrider::config {

namespace {

class Descriptor {
  public:
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    [[nodiscard]] int get() const { return fd_; }

  private:
    int fd_;
};

std::string last_error() {
    return std::generic_category().message(errno);
}

Expected<FileFacts> facts_of(const Descriptor& file) {
    if (file.get() < 0) {
        return failure(Errc::config, Retry::never, "cannot be opened: " + last_error());
    }
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) {
        return failure(Errc::config, Retry::never, "cannot be examined: " + last_error());
    }
    if (!S_ISREG(status.st_mode)) {
        return failure(Errc::config, Retry::never, "is not a regular file");
    }
    return FileFacts{status.st_mode & 07777U, status.st_uid, status.st_dev, status.st_ino};
}

/// Non-blocking, so that a FIFO is refused rather than waited for.
Descriptor open_for_reading(const std::string& path) {
    return Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
}

}  // namespace

std::optional<std::string> exposure(const FileFacts& facts) {
    constexpr mode_t kGroupMayRead = 0040;
    constexpr mode_t kNobodyElse = 0077;
    const mode_t allowed = facts.owner == 0 ? kGroupMayRead : 0;
    if ((facts.mode & kNobodyElse & ~allowed) == 0) {
        return std::nullopt;
    }
    return fmt::format("others than its owner can get at it (mode {:04o}): chmod 600", facts.mode);
}

Expected<FileFacts> inspect_file(const std::string& path) {
    return facts_of(open_for_reading(path));
}

Expected<FileContent> read_file(const std::string& path, std::size_t limit) {
    const Descriptor file = open_for_reading(path);
    const auto facts = facts_of(file);
    if (!facts) {
        return failure(facts.error());
    }
    FileContent content;
    content.facts = *facts;
    // One allocation: a buffer that grows would leave copies of a secret behind.
    content.bytes.resize(limit + 1);
    std::size_t filled = 0;
    while (filled < content.bytes.size()) {
        const ssize_t n =
            ::read(file.get(), content.bytes.data() + filled, content.bytes.size() - filled);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            const std::string reason = last_error();
            wipe(content.bytes);
            return failure(Errc::config, Retry::never, "cannot be read: " + reason);
        }
        if (n == 0) {
            break;
        }
        filled += static_cast<std::size_t>(n);
    }
    if (filled > limit) {
        wipe(content.bytes);
        return failure(Errc::config, Retry::never, "is larger than " + human_bytes(limit));
    }
    content.bytes.resize(filled);
    return content;
}

}  // namespace postrider::config
