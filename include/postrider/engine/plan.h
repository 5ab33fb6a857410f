#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "postrider/base/error.h"
#include "postrider/base/time.h"
#include "postrider/engine/policy.h"
#include "postrider/source/source.h"
#include "postrider/store/ledger.h"

namespace postrider::engine {

using Records = std::map<store::MessageKey, store::MessageRecord>;

/// Content that is known to have reached its end: the message need not go there again.
struct KnownContent {
    mail::Digest sha256{};
    store::Phase phase = store::Phase::delivered;  ///< delivered or held
};

/// A message of this session together with what is known of it.
struct Job {
    source::RemoteMessage remote;
    store::MessageRecord record;
    // A message without UID has a record without key: its content will give it one (content_uid).
    /// Set where UID and size can deceive: it is fetched to learn whether it is one of these, and
    /// delivered only if it is not (protocol section 5.3).
    std::optional<std::vector<KnownContent>> verify;
};

/// What one listing means for one account.
struct Plan {
    std::vector<Job> fetch;                ///< in the order of the policy
    std::vector<store::Change> reconcile;  ///< what the listing taught: to be recorded first
    /// To be recorded when every job of this UID that had to be verified is: until then the records
    /// that vanished from a group of equal UIDs are needed as they are.
    std::map<std::string, std::vector<store::Change>> when_verified;
    /// Of what is listed and not new, as after `reconcile`, and all that are kept by content.
    Records records;
    /// Delivered, and their server was to forget them at a QUIT that never came (I3).
    std::vector<Job> leftovers;
    std::size_t kept = 0;         ///< delivered before and still listed
    std::size_t held = 0;         ///< held and still listed
    std::size_t without_uid = 0;  ///< left alone: nothing to know them by
    std::size_t skipped = 0;      ///< there before the account was first polled (Initial)
    std::size_t oversize = 0;     ///< larger than max_message_size
    std::size_t left = 0;         ///< more than max_messages_per_poll: for the next poll
    std::optional<Error> doubt;   ///< I9: do nothing, tell a person
};

/// Positions in `listing` of the messages whose header the plan needs, if it can be had: those that
/// were skipped at the first poll and have grown a little since. Pure.
[[nodiscard]] std::vector<std::size_t> heads_wanted(const source::Listing& listing,
                                                    const store::AccountRecords& known);

/// Listing x ledger x policy -> ordered work. Pure.
[[nodiscard]] Plan plan(const source::Listing& listing, const store::AccountRecords& known,
                        const AccountPolicy& policy, WallTime now);

/// What the ledger says of messages without UID in this session, by their number.
using ContentKeys = std::map<std::uint32_t, store::MessageKey>;

/// The messages of this listing that may be deleted now: delivered, of listed identity (I2), old
/// enough; of equal UIDs only if all that are listed may; those without UID only if they have shown
/// their content in this session. Pure.
[[nodiscard]] std::vector<Job> removable(const source::Listing& listing, const Records& records,
                                         const ContentKeys& contents, const AccountPolicy& policy,
                                         WallTime now);

/// Adds those leftovers that are not among `jobs`: to be removed from a server that forbids
/// keeping, whatever the policy says, as its QUIT would have done.
void add_leftovers(std::vector<Job>& jobs, const std::vector<Job>& leftovers);

/// The UID in the ledger of a message that the server has none for: its content (P-034). No server
/// can send such a one.
[[nodiscard]] std::string content_uid(const mail::Digest& sha256);
[[nodiscard]] bool is_content_uid(std::string_view uid);

/// For when every message without UID of a listing has shown its content: what becomes of the
/// records of contents that were not met (I7). Pure.
[[nodiscard]] std::vector<store::Change> absent_contents(const store::AccountRecords& known,
                                                         const ContentKeys& met, WallTime now);

[[nodiscard]] store::MessageKey key_of(const source::RemoteMessage& remote);

}  // namespace postrider::engine
