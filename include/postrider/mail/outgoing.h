#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "postrider/base/error.h"
#include "postrider/base/time.h"
#include "postrider/mail/header_scan.h"
#include "postrider/mail/message.h"

namespace postrider::mail {

/// Whose message it is and where it has been: what destinations on this machine name files and
/// arguments after.
struct Provenance {
    std::string account;
    std::string delivery_id;              ///< as in X-Postrider-Id
    std::optional<WallTime> received_at;  ///< by the last server, if its header tells
};

/// How lines end where a message goes.
enum class LineEnds : std::uint8_t {
    lf,    ///< as files and programs of this system have them
    crlf,  ///< as on the wire
};

/// Octets of a message, and what stands in their place. An empty range inserts.
struct Edit {
    ByteRange replaced;
    std::string by = {};
    bool operator==(const Edit&) const = default;
};

/// A message as a destination gets it: our own header lines, then the received message without the
/// fields that moved into the envelope (invariant I6) and with its header repaired
/// (header_repair.h). Nothing else is changed. Immutable: readers may work in several threads at
/// once.
class OutgoingMessage {
  public:
    /// `own_header` is canonical; `edits` are sorted, disjoint, within the message.
    OutgoingMessage(Message received, std::string own_header, std::vector<Edit> edits,
                    Provenance provenance = {});

    /// Octets in canonical form, before any dot-stuffing: the exact SIZE (S, RFC 1870).
    [[nodiscard]] std::uint64_t size() const { return size_; }
    [[nodiscard]] const MessageFacts& facts() const { return received_.facts(); }
    [[nodiscard]] const Provenance& provenance() const { return provenance_; }

    /// The first `limit` octets as they were received. Errors: io.
    [[nodiscard]] Expected<std::string> received_head(std::size_t limit) const {
        return received_.head(limit);
    }

    /// Reads the octets once, front to back; the message must outlive it.
    class Reader {
      public:
        explicit Reader(const OutgoingMessage& message);

        /// The next piece, at most kPiece octets; empty at the end. Valid until the next call.
        /// Errors: io; the reader is then of no further use.
        [[nodiscard]] Expected<std::string_view> next();

        static constexpr std::size_t kPiece = 64UL * 1024;

      private:
        /// Fills `rest` from its front with what comes next of the message or of an edit; what is
        /// left to be filled.
        [[nodiscard]] Expected<std::span<char>> fill(std::span<char> rest);

        const OutgoingMessage& message_;
        std::uint64_t given_ = 0;   ///< octets handed out
        std::uint64_t offset_ = 0;  ///< in the received message
        std::size_t next_edit_ = 0;
        std::size_t inserted_ = 0;  ///< octets of the next edit that were handed out
        std::string piece_;
    };

  private:
    Message received_;
    std::string own_header_;
    std::vector<Edit> edits_;
    Provenance provenance_;
    std::uint64_t size_ = 0;
};

}  // namespace postrider::mail
