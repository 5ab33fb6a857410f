#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "postrider/base/error.h"
#include "postrider/engine/policy.h"
#include "postrider/engine/route.h"
#include "postrider/engine/services.h"
#include "postrider/source/source.h"

namespace postrider::engine {

/// Octets asked for ahead of delivery, per account: this much, or one message (design section 6).
inline constexpr std::uint64_t kInFlight = 4UL * 1024 * 1024;

/// What one poll of one account came to.
struct PollReport {
    std::string account;
    std::size_t listed = 0;
    std::size_t to_fetch = 0;  ///< planned; grows to its value when the listing is there
    std::size_t fetched = 0;   ///< messages received
    std::uint64_t fetched_octets = 0;
    std::uint64_t octets_to_fetch = 0;  ///< as listed
    std::size_t delivered = 0;
    std::size_t held = 0;           ///< refused by the destination, copy kept
    std::size_t discarded = 0;      ///< refused, and counted as delivered (refused: discard)
    std::size_t bounced = 0;        ///< refused, and their senders were told
    std::size_t put_off = 0;        ///< to be tried again at the next poll
    std::size_t fetch_refused = 0;  ///< the server answered -ERR to RETR
    std::size_t removed = 0;
    std::size_t kept = 0;                  ///< delivered on an earlier poll and still there
    std::size_t held_before = 0;           ///< held on an earlier poll and still there
    std::size_t without_uid = 0;           ///< left alone
    std::size_t skipped = 0;               ///< there before the account was first polled
    std::size_t oversize = 0;              ///< larger than max_message_size
    std::size_t left = 0;                  ///< more than max_messages_per_poll: for the next poll
    std::size_t sessions = 0;              ///< logins it took (commit_every, windows, settling)
    std::optional<Duration> min_interval;  ///< between logins, as the server says (LOGIN-DELAY)
    /// What was learned of the server ("no-capa"), and until when it is believed.
    std::map<std::string, WallTime> quirks;
    /// There may be more mail right now, and the server allows the next login after so long. With
    /// an error and no session: it was too early for one.
    std::optional<Duration> more_after;
    /// Why the last message was put off or could not be fetched, which is why the poll counts as
    /// failed for now; if there is none, why the last one was held.
    std::string last_trouble;
    std::optional<Error> error;  ///< why the poll did not run to its end
    Duration took{};
};

/// One poll of one account, from the probe of its destinations to the answer of QUIT.
///
///   probing -> opening -> transferring -> securing -> removing -> settling -> done
///      ^                                                              |
///      '------------- a settling session came first (I3) <------------'
///
/// It keeps invariants I1 to I7: what is removed was delivered and durably recorded before; QUIT is
/// withheld from a consuming server while something that was fetched is not secured.
class AccountPoll {
  public:
    using Done = std::function<void(PollReport)>;
    using Progress = std::function<void(const PollReport&)>;

    /// What it refers to outlives it.
    AccountPoll(Services& services, source::SourceFactory& source, Route route,
                AccountPolicy policy);
    AccountPoll(const AccountPoll&) = delete;
    AccountPoll& operator=(const AccountPoll&) = delete;
    /// Drops everything where it stands; the ledger and the next poll make it good.
    ~AccountPoll();

    /// `progress` is called whenever the report has changed, `done` once at the end; both from the
    /// loop. The poll may be destroyed in `done` by Loop::defer_delete.
    void start(Progress progress, Done done);

    /// Fetches no more; deliveries under way are awaited, what was delivered is recorded and
    /// settled, then `done` is told. False: nothing is under way that is worth waiting for, destroy
    /// it.
    [[nodiscard]] bool wind_down();

  private:
    class Machine;
    std::unique_ptr<Machine> machine_;
};

}  // namespace postrider::engine
