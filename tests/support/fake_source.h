#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "postrider/event/loop.h"
#include "postrider/source/source.h"

namespace postrider::test {

/// What a mailbox holds.
struct FakeMessage {
    std::string uid;
    std::string octets;
    std::optional<std::uint64_t> listed_size = std::nullopt;  ///< else the true one
};

/// How the server answers QUIT, and which of the deletions it carries out.
enum class FakeQuit : std::uint8_t {
    good,
    refused_all_deleted,
    refused_none_deleted,
    refused_first_deleted,
    unanswered_all_deleted,
    unanswered_none_deleted,
};

/// A mailbox on a server, and the sessions with it. A session works on the mailbox as it is when
/// the session lists it; it is left alone until the session has ended. Each answer comes on a turn
/// of its own. The wishes below are public data: a test sets them before the session that is to
/// meet them.
class FakeSource final : public source::SourceFactory {
  public:
    /// `loop` outlives the source, and the source its sessions.
    explicit FakeSource(event::Loop& loop) : loop_(loop) {}

    [[nodiscard]] std::unique_ptr<source::MailSource> open(source::SourceEvents& events,
                                                           const source::Quirks& quirks) override;
    [[nodiscard]] std::string host() const override { return "pop.example.net"; }

    void add(const std::string& uid, const std::string& octets) {
        mailbox.push_back({uid, octets});
    }
    [[nodiscard]] bool holds(const std::string& uid) const;
    void take_away(const std::string& uid);

    std::vector<FakeMessage> mailbox;
    source::Capabilities capabilities;  ///< of the next session on; may consume
    bool has_uids = true;               ///< false: no UIDL, whatever the mailbox holds
    std::size_t window = SIZE_MAX;      ///< lists so many of the oldest only
    source::Quirks learns;              ///< what a session knows when it has listed
    source::Quirks given;               ///< what the last session was told
    std::set<std::string> fetches_refused;
    std::set<std::string> removals_refused;
    FakeQuit quit = FakeQuit::good;
    /// The session fails instead of giving its n-th answer, from zero: 0 is the listing.
    std::optional<std::size_t> fails_at;
    Error fails_with{Errc::closed, Retry::now, "connection lost"};  ///< ... with this
    /// Called when DELE arrives.
    std::function<void(const source::RemoteMessage&)> on_remove;

    /// "open", "fetch UID", "head UID", "remove UID", "settle", "close", in the order of the calls.
    [[nodiscard]] const std::vector<std::string>& calls() const { return calls_; }
    /// Calls that begin so.
    [[nodiscard]] std::size_t count(const std::string& call) const;
    void forget_calls() { calls_.clear(); }
    /// Sessions that live now.
    [[nodiscard]] std::size_t sessions() const { return sessions_; }

  private:
    class Session;

    event::Loop& loop_;
    std::vector<std::string> calls_;
    std::size_t sessions_ = 0;
};

}  // namespace postrider::test
