#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "postrider/base/error.h"
#include "postrider/mail/message.h"

#include "mail/content_digest.h"
#include "mail/spool_file.h"

namespace postrider::mail {

/// Where the octets of a finished message lie. Reading is const in earnest: several threads may.
class Message::Body {
  public:
    virtual ~Body() = default;

    /// Fills `into` from `offset`; the caller stays within the message. Errors: io.
    [[nodiscard]] virtual Expected<void> read(std::uint64_t offset, std::span<char> into) const = 0;
};

/// Takes the octets of a message in order, keeps them in memory up to the limit of the spool and
/// moves to a file beyond it, where no more than kWriteBehind octets wait in memory.
class MessageStore {
  public:
    static constexpr std::size_t kWriteBehind = 64UL * 1024;

    explicit MessageStore(Spool spool);

    /// Errors: io; the store is then of no further use.
    [[nodiscard]] Expected<void> put(std::string_view octets);

    [[nodiscard]] std::uint64_t size() const { return size_; }

    struct Stored {
        std::unique_ptr<Message::Body> body;
        Digest sha256{};
    };

    /// To be called once. Errors: io.
    [[nodiscard]] Expected<Stored> finish();

  private:
    void keep(std::string_view octets);
    [[nodiscard]] Expected<void> spill();
    [[nodiscard]] Expected<void> write(std::string_view octets);
    [[nodiscard]] Expected<void> write_behind();

    Spool spool_;
    std::uint64_t size_ = 0;
    std::string buffer_;  ///< the whole message, or what the file does not have yet
    std::optional<SpoolFile> file_;
    ContentDigest hash_;  ///< of what was written to the file; the buffer is hashed when it leaves
};

}  // namespace postrider::mail
