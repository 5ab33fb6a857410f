#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "postrider/base/error.h"

namespace postrider::mail {

/// A file without a name that holds one message in flight: it vanishes with its descriptor, so that
/// a crash leaves nothing behind, and nobody but us can open it. Written front to back; reading
/// changes nothing and is safe from several threads at once.
class SpoolFile {
  public:
    /// Makes a file in `directory`, on file systems without O_TMPFILE by create and unlink.
    /// Errors: io, retry later, with path and reason.
    [[nodiscard]] static Expected<SpoolFile> create(const std::string& directory);

    /// The second way of create(), by itself so that it can be tested where the first one works.
    [[nodiscard]] static Expected<SpoolFile> create_and_unlink(const std::string& directory);

    SpoolFile(const SpoolFile&) = delete;
    SpoolFile& operator=(const SpoolFile&) = delete;
    SpoolFile(SpoolFile&& other) noexcept;
    SpoolFile& operator=(SpoolFile&& other) noexcept;
    ~SpoolFile();

    /// Writes all of `bytes` at the end. Errors: io (no space, quota, disk); the file is then of
    /// no further use.
    [[nodiscard]] Expected<void> write(std::string_view bytes);

    /// Fills `into` with the octets from `offset`. Errors: io, also when the file ends before.
    [[nodiscard]] Expected<void> read(std::uint64_t offset, std::span<char> into) const;

  private:
    SpoolFile(int fd, std::string directory);

    int fd_ = -1;
    std::string directory_;
};

}  // namespace postrider::mail
