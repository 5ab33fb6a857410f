#include "postrider/engine/plan.h"

#include <algorithm>
#include <limits>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "postrider/base/planted.h"
#include "postrider/base/text.h"

#include "engine/selection.h"

// Decisions about identity. A UID alone proves nothing (servers reuse, renumber and duplicate
// them): a record speaks of a listed message only if UID, occurrence and listed size agree. Where
// even that can deceive, because a confirmed deletion seems undone or equal UIDs have changed their
// number, or where all but the size agrees, the message is fetched again and its content decides.
namespace postrider::engine {

namespace {

using store::MessageRecord;
using store::Phase;

/// What a record says of its content, if that has reached its end.
std::optional<KnownContent> content_of(const MessageRecord& record) {
    if (!record.sha256) {
        return std::nullopt;
    }
    switch (record.phase) {
        case Phase::delivered:
        case Phase::deleting:
        case Phase::gone:
            return KnownContent{*record.sha256, Phase::delivered};
        case Phase::held:
            if (record.held_copy) {
                return KnownContent{*record.sha256, Phase::held};
            }
            return std::nullopt;  // poison that was received once: nobody has it
        case Phase::seen:
        case Phase::skipped:
            return std::nullopt;
    }
    return std::nullopt;
}

/// All that is listed and all that is recorded of one UID.
struct UidGroup {
    std::size_t listed = 0;
    std::size_t recorded = 0;
    std::size_t vanished = 0;  ///< recorded at the last listing, not listed now
    std::size_t appeared = 0;  ///< listed now, not at the last listing
    std::size_t skipped = 0;   ///< of those recorded
    std::vector<KnownContent> contents;

    /// Equal UIDs whose number has changed: the occurrence numbers may have moved, so that an
    /// undelivered message may stand where a delivered one stood.
    [[nodiscard]] bool has_shifted() const {
        return listed > 0 && recorded > 0 && (listed > 1 || recorded > 1) &&
               (vanished > 0 || appeared > 0);
    }
    /// Wherever they have moved, all of these were there before the first poll.
    [[nodiscard]] bool is_skipped() const {
        return recorded > 0 && skipped == recorded && listed <= recorded;
    }
};

/// In the ledger: the size that was listed last was another, and what that was did not show yet.
constexpr std::uint64_t kNoSize = std::numeric_limits<std::int64_t>::max();

/// As a message grows that a server writes its own fields into (Status, X-UIDL).
bool has_grown_a_little(const MessageRecord& record, const source::RemoteMessage& remote) {
    constexpr std::uint64_t kFieldsOfServers = 512;
    return record.listed_size == kNoSize || (remote.size > record.listed_size &&
                                             remote.size - record.listed_size <= kFieldsOfServers);
}

/// Skipped mail has no content to be known by. It is still that mail if the fields that the server
/// has in its header account for all by which it has grown; whatever else has its UID now is new,
/// lest new mail under a reused UID be skipped for ever.
bool is_skipped_still(const MessageRecord& record, const source::RemoteMessage& remote) {
    return record.phase == Phase::skipped && has_grown_a_little(record, remote) &&
           remote.fields_of_server && remote.size - record.listed_size <= *remote.fields_of_server;
}

bool deletes_at_once(const AccountPolicy& policy) {
    return policy.delete_after && *policy.delete_after == Duration::zero();
}

/// I7: forgotten after a good QUIT and one later listing without it, or after two absences at least
/// a day apart.
void note_absence(const MessageRecord& record, WallTime now, std::vector<store::Change>& changes) {
    if (record.phase == Phase::gone || is_planted("forgotten-at-once") ||
        (record.absent_since && now - *record.absent_since >= kForgetAfter)) {
        changes.emplace_back(store::ForgetMessage{record.key});
        return;
    }
    if (!record.absent_since || *record.absent_since > now) {
        MessageRecord absent = record;
        absent.absent_since = now;
        changes.emplace_back(store::PutMessage{absent});
    }
}

class Planner {
  public:
    Planner(const source::Listing& listing, const store::AccountRecords& known,
            const AccountPolicy& policy, WallTime now)
        : listing_(listing),
          now_(now),
          skipped_(known.known ? std::set<std::uint32_t>()
                               : skipped_at_first(listing, policy.initial)) {
        for (const MessageRecord& record : known.messages) {
            known_.emplace(record.key, record);
        }
        find_groups();
        for (const auto& [key, record] : known_) {
            UidGroup& group = groups_.at(key.uid);
            ++group.recorded;
            group.skipped += record.phase == Phase::skipped ? 1U : 0U;
            group.vanished += !record.absent_since && listed_.count(key) == 0 ? 1U : 0U;
            if (const auto content = content_of(record)) {
                group.contents.push_back(*content);
            }
        }
    }

    Plan make(const AccountPolicy& policy) {
        if (!listing_.has_uids && !listing_.messages.empty()) {
            plan_.doubt = doubt_without_uids(policy);
        } else if (!policy.accept_new_uids) {
            plan_.doubt = doubt();
        }
        if (listing_.messages.size() > known_.size()) {
            plan_.fetch.reserve(listing_.messages.size() - known_.size());
        }
        for (const source::RemoteMessage& remote : listing_.messages) {
            if (!remote.uid.empty()) {
                judge(remote);
            } else if (deletes_at_once(policy)) {
                fetch_by_content(remote);
            } else {
                ++plan_.without_uid;
            }
        }
        for (const auto& [key, record] : known_) {
            if (is_content_uid(key.uid)) {
                plan_.records.emplace(key, record);
            } else if (listed_.count(key) == 0) {
                judge_absent(record);
            }
        }
        return std::move(plan_);
    }

  private:
    /// A UID that is new and stands there once is no group: of those there may be a million.
    void find_groups() {
        for (const auto& [key, record] : known_) {
            groups_[key.uid];
        }
        for (const source::RemoteMessage& remote : listing_.messages) {
            if (remote.occurrence > 0 && !remote.uid.empty()) {
                groups_[remote.uid];
            }
        }
        for (const source::RemoteMessage& remote : listing_.messages) {
            const auto group = groups_.find(remote.uid);
            if (group == groups_.end()) {
                continue;
            }
            ++group->second.listed;
            const store::MessageKey key = key_of(remote);
            const auto record = known_.find(key);
            const bool is_new = record == known_.end();
            group->second.appeared += is_new || record->second.absent_since ? 1U : 0U;
            if (!is_new) {
                listed_.insert(key);
            }
        }
    }

    [[nodiscard]] bool is_one_of_equals(const std::string& uid) const {
        const auto group = groups_.find(uid);
        return group != groups_.end() && group->second.listed > 1;
    }

    void judge(const source::RemoteMessage& remote) {
        const auto found = known_.find(key_of(remote));
        if (found == known_.end()) {
            judge_new(remote, false);
            return;
        }
        if (found->second.listed_size != remote.size && !is_planted("size-ignored")) {
            judge_resized(remote, found->second);
            return;
        }
        MessageRecord record = found->second;
        if (has_shifted(remote.uid) && !groups_.at(remote.uid).is_skipped()) {
            verify(remote, record, groups_.at(remote.uid).contents);
            return;
        }
        if (record.absent_since && !is_planted("absences-add-up")) {
            record.absent_since.reset();
            put(record);
        }
        plan_.records.insert_or_assign(record.key, record);
        judge_known(remote, record);
    }

    void judge_known(const source::RemoteMessage& remote, const MessageRecord& record) {
        switch (record.phase) {
            case Phase::seen:
                plan_.fetch.push_back({remote, record, std::nullopt});
                return;
            case Phase::delivered:
            case Phase::deleting:
                ++plan_.kept;
                if (record.awaits_quit && groups_.at(remote.uid).listed == 1) {
                    plan_.leftovers.push_back({remote, record, std::nullopt});
                }
                return;
            case Phase::gone:
                if (is_planted("gone-is-gone")) return;
                verify(remote, record, groups_.at(remote.uid).contents);
                return;
            case Phase::held:
                if (is_due(record)) {
                    plan_.fetch.push_back({remote, record, std::nullopt});
                } else if (record.awaits_quit) {
                    // A leftover, and not to be deleted: fetched once more, it is gone at QUIT.
                    verify(remote, record, groups_.at(remote.uid).contents);
                } else {
                    ++plan_.held;
                }
                return;
            case Phase::skipped:
                ++plan_.skipped;
                return;
        }
    }

    /// Poison: is it time to try again? No wait is longer than kPoisonRetry, unless the clock was
    /// set back meanwhile.
    [[nodiscard]] bool is_due(const MessageRecord& record) const {
        return record.retry_after &&
               (now_ >= *record.retry_after || *record.retry_after - now_ > kPoisonRetry);
    }

    /// Another message under a UID that was used before, or the same one into which the server has
    /// written something for itself since. Its content tells.
    void judge_resized(const source::RemoteMessage& remote, const MessageRecord& record) {
        if (content_of(record)) {
            // Until then the record speaks for nothing, not even after a crash, nor for a third
            // message that happens to have its size.
            MessageRecord mute = record;
            mute.listed_size = kNoSize;
            mute.absent_since.reset();
            put(mute);
            verify(remote, record, groups_.at(remote.uid).contents);
        } else if (is_skipped_still(record, remote)) {
            MessageRecord grown = record;
            grown.listed_size = remote.size;
            grown.absent_since.reset();
            put(grown);
            plan_.records.insert_or_assign(grown.key, grown);
            ++plan_.skipped;
        } else {
            judge_new(remote, true);
        }
    }

    void judge_new(const source::RemoteMessage& remote, bool replaces_known) {
        MessageRecord record;
        record.key = key_of(remote);
        record.listed_size = remote.size;
        record.first_seen = now_;
        if (skipped_.contains(remote.number)) {
            record.phase = Phase::skipped;
            record.note = "there before the first poll (initial)";
            put(record);
            plan_.records.insert_or_assign(record.key, record);
            ++plan_.skipped;
            return;
        }
        if (has_shifted(remote.uid)) {
            verify(remote, record, groups_.at(remote.uid).contents);
            return;
        }
        if (replaces_known || is_one_of_equals(remote.uid)) {
            // The old record must not speak for the new message, not even after a crash. And of
            // equal UIDs all are recorded at once: only then is it seen when their places move.
            put(record);
            plan_.records.insert_or_assign(record.key, record);
        }
        plan_.fetch.push_back({remote, std::move(record), std::nullopt});
    }

    void fetch_by_content(const source::RemoteMessage& remote) {
        MessageRecord record;
        record.listed_size = remote.size;
        record.first_seen = now_;
        plan_.fetch.push_back({remote, record, std::nullopt});
    }

    void verify(const source::RemoteMessage& remote, MessageRecord record,
                std::vector<KnownContent> contents) {
        // Until its content has spoken, nothing may be deleted on the strength of the record.
        record.phase = Phase::seen;
        record.listed_size = remote.size;
        record.absent_since.reset();
        plan_.records.insert_or_assign(record.key, record);
        plan_.fetch.push_back({remote, record, std::move(contents)});
    }

    [[nodiscard]] bool has_shifted(const std::string& uid) const {
        const auto group = groups_.find(uid);
        return group != groups_.end() && group->second.has_shifted();
    }

    void judge_absent(const MessageRecord& record) {
        std::vector<store::Change>& changes =
            has_shifted(record.key.uid) ? plan_.when_verified[record.key.uid] : plan_.reconcile;
        note_absence(record, now_, changes);
    }

    /// P-034: without UIDs nothing tells old mail from new before it is fetched.
    [[nodiscard]] std::optional<Error> doubt_without_uids(const AccountPolicy& policy) const {
        if (!deletes_at_once(policy)) {
            return Error{Errc::unsupported, Retry::never,
                         "the server does not know UIDL: nothing would tell old mail from new, so "
                         "that mail cannot be kept there. Only delete_after: now can be used"};
        }
        if (skipped_.size() > 0) {
            return Error{Errc::unsupported, Retry::never,
                         "the server does not know UIDL: what initial leaves out could not be told "
                         "from new mail. Only initial: all can be used"};
        }
        const auto with_uid = std::count_if(known_.begin(), known_.end(), [](const auto& known) {
            return !is_content_uid(known.first.uid) && !known.second.absent_since &&
                   known.second.phase != Phase::gone;
        });
        if (with_uid == 0) {
            return std::nullopt;
        }
        return Error{Errc::doubt, Retry::never,
                     fmt::format("the server does not know UIDL any more, and {} known by UID were "
                                 "there before. Nothing was fetched or deleted",
                                 counted(static_cast<std::uint64_t>(with_uid), "message"))};
    }

    /// I9, R-011: nearly all that was known has another name or size now. That is a migrated or
    /// reset mailbox, not new mail.
    [[nodiscard]] std::optional<Error> doubt() const {
        std::size_t expected = 0;
        std::size_t matched = 0;
        for (const auto& [key, record] : known_) {
            const bool was_to_go = record.phase == Phase::deleting || record.phase == Phase::gone;
            if (!was_to_go && !record.absent_since && !is_content_uid(key.uid)) {
                ++expected;
            }
        }
        std::size_t unknown = 0;
        std::size_t grown = 0;
        for (const source::RemoteMessage& remote : listing_.messages) {
            const auto found = known_.find(key_of(remote));
            if (found != known_.end() && found->second.listed_size == remote.size) {
                ++matched;
            } else {
                ++unknown;
                grown += found != known_.end() && is_known_still(found->second, remote) ? 1U : 0U;
            }
        }
        if ((matched + grown) * 10 >= expected * 9) {
            return std::nullopt;  // the server has written into them; content will tell
        }
        if (expected < kDoubtFrom || matched * 10 >= expected || unknown * 2 < expected) {
            return std::nullopt;
        }
        return Error{
            Errc::doubt, Retry::never,
            fmt::format("of {} known messages only {} are still listed, and {} unknown ones "
                        "are: the server seems to have renamed its messages (new UIDs after "
                        "a move or reset). Nothing was fetched or deleted. If all of them "
                        "shall be fetched as new mail, run once with --accept-new-uids",
                        expected, matched, unknown)};
    }

    [[nodiscard]] static bool is_known_still(const MessageRecord& record,
                                             const source::RemoteMessage& remote) {
        return (content_of(record) && has_grown_a_little(record, remote)) ||
               is_skipped_still(record, remote);
    }

    void put(const MessageRecord& record) {
        plan_.reconcile.emplace_back(store::PutMessage{record});
    }

    const source::Listing& listing_;
    WallTime now_;
    std::set<std::uint32_t> skipped_;  ///< numbers of what is not to be fetched, ever
    Records known_;
    std::set<store::MessageKey> listed_;  ///< of those known
    std::map<std::string, UidGroup, std::less<>> groups_;
    Plan plan_;
};

}  // namespace

std::vector<std::size_t> heads_wanted(const source::Listing& listing,
                                      const store::AccountRecords& known) {
    std::map<store::MessageKey, const MessageRecord*> skipped;
    for (const MessageRecord& record : known.messages) {
        if (record.phase == Phase::skipped) {
            skipped.emplace(record.key, &record);
        }
    }
    std::vector<std::size_t> wanted;
    for (std::size_t i = 0; i < listing.messages.size() && !skipped.empty(); ++i) {
        const auto found = skipped.find(key_of(listing.messages[i]));
        if (found != skipped.end() && has_grown_a_little(*found->second, listing.messages[i])) {
            wanted.push_back(i);
        }
    }
    return wanted;
}

store::MessageKey key_of(const source::RemoteMessage& remote) {
    return {remote.uid, remote.occurrence};
}

Plan plan(const source::Listing& listing, const store::AccountRecords& known,
          const AccountPolicy& policy, WallTime now) {
    Plan made = Planner(listing, known, policy, now).make(policy);
    select(made, policy);
    return made;
}

std::string content_uid(const mail::Digest& sha256) {
    return std::string("\0", 1) + "sha256:" + to_hex(sha256);
}

bool is_content_uid(std::string_view uid) {
    return uid.starts_with('\0');
}

std::vector<store::Change> absent_contents(const store::AccountRecords& known,
                                           const ContentKeys& met, WallTime now) {
    std::set<store::MessageKey> keys;
    for (const auto& [number, key] : met) {
        keys.insert(key);
    }
    std::vector<store::Change> changes;
    for (const MessageRecord& record : known.messages) {
        if (is_content_uid(record.key.uid) && keys.count(record.key) == 0) {
            note_absence(record, now, changes);
        }
    }
    return changes;
}

}  // namespace postrider::engine
