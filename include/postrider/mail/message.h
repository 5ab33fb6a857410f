#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "postrider/base/error.h"

namespace postrider::mail {

using Digest = std::array<std::uint8_t, 32>;  ///< SHA-256

/// What was learnt about a message while it came in, in the same pass.
struct MessageFacts {
    std::uint64_t size = 0;             ///< octets of the canonical form
    std::uint64_t received_octets = 0;  ///< octets as they came, dot-stuffing undone
    std::uint64_t longest_line = 0;     ///< octets of the longest line, without its CRLF
    bool has_8bit = false;              ///< some octet >= 0x80
    bool has_nul = false;
    /// SHA-256 of the canonical form without what servers write into a header for themselves, such
    /// as Status and X-UIDL: what a message is known by.
    Digest sha256{};
};

/// Where a message in flight may lie: in memory up to a threshold, then in an unlinked file.
struct Spool {
    std::string directory;                    ///< for the file; it must exist
    std::size_t memory_limit = 256UL * 1024;  ///< octets kept in memory before spilling
};

/// A whole received message in canonical form: every line ends in CRLF, and there is no CR and no
/// LF outside of such pairs (S-001). Immutable.
class Message {
  public:
    /// Where the bytes lie; the .cpp knows the ways.
    class Body;

    Message(MessageFacts facts, std::unique_ptr<Body> body);
    Message(const Message&) = delete;
    Message& operator=(const Message&) = delete;
    Message(Message&&) noexcept;
    Message& operator=(Message&&) noexcept;
    ~Message();

    [[nodiscard]] const MessageFacts& facts() const { return facts_; }

    /// Copies octets from `offset` into `into`; returns how many, 0 at the end. Errors: io.
    [[nodiscard]] Expected<std::size_t> read(std::uint64_t offset, std::span<char> into) const;

    /// The first `limit` octets, fewer if there are no more. Errors: io.
    [[nodiscard]] Expected<std::string> head(std::size_t limit) const;

  private:
    MessageFacts facts_;
    std::unique_ptr<Body> body_;
};

/// Receives a message in pieces and brings its line ends into canonical form on the way (S-001):
/// CRLF stays, a bare LF and a bare CR become CRLF, a last line without an end gets one. Nothing
/// else is changed. Independent of where the pieces are split.
class MessageBuilder {
  public:
    explicit MessageBuilder(Spool spool);
    MessageBuilder(const MessageBuilder&) = delete;
    MessageBuilder& operator=(const MessageBuilder&) = delete;
    MessageBuilder(MessageBuilder&&) noexcept;
    MessageBuilder& operator=(MessageBuilder&&) noexcept;
    ~MessageBuilder();

    /// Errors: io (the spool file could not be made or written; retry later). They stay: a message
    /// with a gap cannot be finished.
    [[nodiscard]] Expected<void> append(std::string_view received);

    /// Octets received so far.
    [[nodiscard]] std::uint64_t received_octets() const;

    /// Ends the message. The builder is spent. Errors: io, as above.
    [[nodiscard]] Expected<Message> finish();

  private:
    class State;
    std::unique_ptr<State> state_;
};

}  // namespace postrider::mail
