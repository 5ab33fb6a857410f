#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "postrider/base/error.h"
#include "postrider/base/secret.h"
#include "postrider/base/time.h"
#include "postrider/event/operation.h"
#include "postrider/mail/message.h"

namespace postrider::store {

/// What became of one message so far.
///
///   seen -> delivered -> deleting -> gone -> (forgotten)
///     \--> held
///   skipped
enum class Phase : std::uint8_t {
    seen,       ///< known, not (wholly) delivered
    delivered,  ///< accepted for every recipient
    deleting,   ///< delivered, DELE (or QUIT of a consuming server, I3) was asked for in some
                ///< session
    gone,       ///< delivered, DELE and a good QUIT; kept until one later listing lacks it (I7)
    held,       ///< kept out of the loop: refused with a durable copy, or poison without one
    skipped,    ///< never to be fetched: it was there before the account's first poll
};

/// Identity within an account: UID octets and its occurrence among equal UIDs of a listing.
struct MessageKey {
    std::string uid;
    std::uint32_t occurrence = 0;
    auto operator<=>(const MessageKey&) const = default;  // NOLINT(modernize-use-nullptr)
};

struct MessageRecord {
    MessageKey key;
    std::uint64_t listed_size = 0;
    std::optional<mail::Digest> sha256;  ///< of the canonical form, once it was fetched
    Phase phase = Phase::seen;
    WallTime first_seen{};
    std::optional<WallTime> delivered_at;   ///< delete_after counts from here
    std::uint32_t failures = 0;             ///< in a row: fetches refused, deliveries hung up on
    std::optional<WallTime> failing_since;  ///< first of the deliveries put off in a row
    std::optional<WallTime> retry_after;    ///< poison: not before
    std::optional<WallTime> absent_since;   ///< first complete listing in a row without it
    /// Those who have it (or whose copy is held) already; engine/settled.h has the form.
    std::vector<std::string> settled_recipients;
    /// Destinations that may have taken it, and were to be asked for nothing again.
    std::vector<std::string> in_doubt;
    bool held_copy =
        false;  ///< some recipient refused it and a durable copy is held: never deleted
    /// Fetched from a server that may forget at QUIT what was fetched (I3), and no good QUIT has
    /// come since: if it is listed again, it is a leftover of that session.
    bool awaits_quit = false;
    std::string note;  ///< the destination's answer, or why it is held; escaped
    bool operator==(const MessageRecord&) const = default;
};

/// What is known about a mailbox as a whole.
struct AccountState {
    bool needs_settling = false;  ///< the next poll begins with a settling session (I3)
    /// What was learned of the server's quirks, and until when that is believed.
    std::map<std::string, WallTime> quirks = {};
    bool operator==(const AccountState&) const = default;
};

struct AccountRecords {
    AccountState state;
    bool known = false;  ///< this account was polled before
    std::vector<MessageRecord> messages;
};

struct PutMessage {
    MessageRecord record;
};
struct ForgetMessage {
    MessageKey key;
};
struct PutState {
    AccountState state;
};
using Change = std::variant<PutMessage, ForgetMessage, PutState>;

using LoadDone = std::function<void(Expected<AccountRecords>)>;
using WriteDone = std::function<void(Expected<void>)>;

/// The memory of what was delivered and deleted: what makes "nothing lost, nothing twice" true.
/// Operations of one ledger take effect in the order of the calls. All errors carry Retry::later
/// (disk full, I/O: stop fetching, try again) or Retry::never (an fsync failed, the file is
/// damaged: final for this process).
class Ledger {
  public:
    Ledger() = default;
    Ledger(const Ledger&) = delete;
    Ledger& operator=(const Ledger&) = delete;
    virtual ~Ledger() = default;

    /// Everything about one account; sees every write asked for before.
    [[nodiscard]] virtual std::unique_ptr<event::Operation> load(const std::string& account,
                                                                 LoadDone done) = 0;

    /// Records changes of one account, all or none. `done` means: survives the death of this
    /// process (kill -9). Within 10 ms they become durable by a group commit. Destroying the
    /// operation only silences `done`; the changes are recorded all the same.
    [[nodiscard]] virtual std::unique_ptr<event::Operation> write(const std::string& account,
                                                                  std::vector<Change> changes,
                                                                  WriteDone done) = 0;

    /// `done` means: every write whose `done` came before this call survives a power cut (fsync).
    /// One fsync serves all who wait.
    [[nodiscard]] virtual std::unique_ptr<event::Operation> sync(WriteDone done) = 0;

    /// The secret of this installation, made with the ledger; keys delivery_id.
    [[nodiscard]] virtual const Secret& installation_key() const = 0;
};

}  // namespace postrider::store
