#include "postrider/mail/message.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "postrider/base/assert.h"

#include "mail/line_canonicalizer.h"
#include "mail/message_store.h"

namespace postrider::mail {
namespace {

/// Is the high bit set in some octet? Looks at eight octets at a time.
bool any_8bit(std::string_view octets) {
    constexpr std::uint64_t kHighBits = 0x8080808080808080;
    std::uint64_t seen = 0;
    for (; octets.size() >= sizeof(std::uint64_t); octets.remove_prefix(sizeof(std::uint64_t))) {
        std::uint64_t word = 0;
        std::memcpy(&word, octets.data(), sizeof(word));
        seen |= word;
    }
    for (const char octet : octets) seen |= static_cast<unsigned char>(octet);
    return (seen & kHighBits) != 0;
}

}  // namespace

Message::Message(MessageFacts facts, std::unique_ptr<Body> body)
    : facts_(facts), body_(std::move(body)) {}

Message::Message(Message&&) noexcept = default;
Message& Message::operator=(Message&&) noexcept = default;
Message::~Message() = default;

Expected<std::size_t> Message::read(std::uint64_t offset, std::span<char> into) const {
    if (offset >= facts_.size || into.empty()) return 0;
    const std::size_t octets = std::min<std::uint64_t>(into.size(), facts_.size - offset);
    if (auto got = body_->read(offset, into.first(octets)); !got) {
        return failure(std::move(got.error()));
    }
    return octets;
}

Expected<std::string> Message::head(std::size_t limit) const {
    std::string octets(std::min<std::uint64_t>(limit, facts_.size), '\0');
    if (auto got = read(0, octets); !got) return failure(std::move(got.error()));
    return octets;
}

class MessageBuilder::State {
  public:
    explicit State(Spool spool) : store(std::move(spool)) {}

    Expected<void> append(std::string_view received);
    Expected<Message> finish();

    MessageStore store;
    LineCanonicalizer lines;
    std::uint64_t received_octets = 0;
    bool has_8bit = false;
    bool has_nul = false;
    std::optional<Error> fault;  ///< a message with a gap must never be finished
};

Expected<void> MessageBuilder::State::append(std::string_view received) {
    if (fault) return failure(*fault);
    received_octets += received.size();
    has_8bit = has_8bit || any_8bit(received);
    has_nul = has_nul || received.find('\0') != std::string_view::npos;
    auto appended = lines.append(received, store);
    if (!appended) fault = appended.error();
    return appended;
}

Expected<Message> MessageBuilder::State::finish() {
    if (fault) return failure(*fault);
    if (auto ended = lines.finish(store); !ended) return failure(std::move(ended.error()));
    auto stored = store.finish();
    if (!stored) return failure(std::move(stored.error()));
    const MessageFacts facts{.size = store.size(),
                             .received_octets = received_octets,
                             .longest_line = lines.longest_line(),
                             .has_8bit = has_8bit,
                             .has_nul = has_nul,
                             .sha256 = stored->sha256};
    return Message(facts, std::move(stored->body));
}

MessageBuilder::MessageBuilder(Spool spool) : state_(std::make_unique<State>(std::move(spool))) {}
MessageBuilder::MessageBuilder(MessageBuilder&&) noexcept = default;
MessageBuilder& MessageBuilder::operator=(MessageBuilder&&) noexcept = default;
MessageBuilder::~MessageBuilder() = default;

Expected<void> MessageBuilder::append(std::string_view received) {
    POSTRIDER_ASSERT(state_ != nullptr);
    return state_->append(received);
}

std::uint64_t MessageBuilder::received_octets() const {
    POSTRIDER_ASSERT(state_ != nullptr);
    return state_->received_octets;
}

Expected<Message> MessageBuilder::finish() {
    POSTRIDER_ASSERT(state_ != nullptr);
    const std::unique_ptr<State> state = std::move(state_);
    return state->finish();
}

}  // namespace postrider::mail
