#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "postrider/engine/policy.h"

#include "sim/disk.h"
#include "sim/ledger_image.h"
#include "sim/mail.h"
#include "sim/maildirs.h"
#include "sim/network.h"
#include "sim/trace.h"
#include "support/sim_loop.h"

namespace postrider::sim {

/// Somebody, and by which destination he gets it: "mx0 user@example.org". Mail for nobody is for
/// "mx0 ", where it is held.
using Goal = std::string;
[[nodiscard]] inline Goal goal(const std::string& destination, const std::string& recipient) {
    return destination + ' ' + recipient;
}

/// What is known of an account.
struct AccountFacts {
    std::string name;
    std::vector<std::string> destinations;
    std::set<std::string> cautious;  ///< destinations that are never asked a second time (R-006)
    bool discards_spam = false;      ///< what a destination refuses with 5.7.1
    engine::AccountPolicy policy;
    std::optional<engine::AccountPolicy> policy_before;  ///< of the poll under way at a reload
    bool is_polling = false;                             ///< that poll, in a process that lives
    std::map<Goal, std::string> maildirs;                ///< by goal, if it has any
};

/// Why a message may have been delivered twice.
enum class Excuse : std::uint8_t {
    disconnect,
    kill,
    power_cut,
    disk,
    new_identity,
    forgotten,  ///< absent from listings a day apart, or from one behind a QUIT that lied (I7)
    ledger_lost,
};
inline constexpr std::size_t kExcuses = static_cast<std::size_t>(Excuse::ledger_lost) + 1;

/// The judge of a run: keeps its own books of what servers and destinations have seen, and holds
/// invariants I1 to I9 of the design against every step. It believes nothing that the program
/// says; of its disk it looks at what would survive a power cut.
class Oracle {
  public:
    Oracle(const test::SimLoop& loop, const Disk& disk, Trace& trace);

    void add_account(AccountFacts facts);
    /// A person has changed it.
    void on_reload(std::size_t account, const engine::AccountPolicy& policy, bool is_polling);
    void on_polled(std::size_t account) {
        accounts_.at(account).policy_before.reset();
        accounts_.at(account).is_polling = false;
    }

    // What the POP3 servers tell:

    /// New mail.
    std::uint64_t on_arrived(std::size_t account, const SampleMail& mail);
    /// A complete listing names it so. Where there are no UIDs, they are empty.
    void on_listed(std::uint64_t id, const std::string& uid, std::uint64_t size);
    /// A complete listing has these; the client may have seen it.
    void on_listing(std::size_t account, const std::set<std::uint64_t>& ids);
    /// It has.
    void on_listing_seen(const std::set<std::uint64_t>& ids);
    /// `is_leftover`: its server was to forget it at the end of an earlier session.
    void on_dele(std::uint64_t id, bool is_leftover);
    /// Of a server that forgets at QUIT what was retrieved.
    void on_consuming_quit(std::uint64_t id);
    void on_removed(std::uint64_t id);
    /// Would no record of it, not even after a power cut, speak for another message of its UID and
    /// size?
    [[nodiscard]] bool is_forgotten(std::uint64_t id);
    /// Its server says at QUIT that it is deleted, and lies.
    void on_removal_claimed(std::uint64_t id) { mails_.at(id).is_removal_claimed = true; }

    // What the destinations tell:

    /// They have taken a message; `reply_end` is where their word of it ends in what they sent.
    void on_accepted(const std::string& destination, std::string_view content,
                     const std::vector<std::string>& recipients,
                     std::shared_ptr<const Arrivals> arrivals, std::uint64_t reply_end);

    /// One has refused mail of this sender as spam.
    void on_called_spam(const std::string& destination, const std::string& sender);

    // What the world tells:

    void on_process_ended(Machine::State how);
    /// A poll of this account has ended since the ledger could not be written.
    void on_disk_trouble(std::size_t account);
    void on_ledger_lost();
    /// Is every message where it has to end, and if not, why?
    [[nodiscard]] std::optional<std::string> unfinished();

    void violated(std::string_view invariant, const std::string& what);
    [[nodiscard]] const std::optional<std::string>& violation() const { return violation_; }

    [[nodiscard]] std::uint64_t duplicates(Excuse excuse) const {
        return duplicates_.at(static_cast<std::size_t>(excuse));
    }
    [[nodiscard]] std::uint64_t ambiguous() const;
    [[nodiscard]] std::size_t messages() const { return mails_.size(); }

  private:
    struct Acceptance {
        MonotonicTime when;
        std::shared_ptr<const Arrivals> arrivals;
        std::uint64_t reply_end = 0;
        std::string delivery_id;
        std::optional<Excuse> excuse;

        [[nodiscard]] bool was_answered() const { return arrivals->at_client >= reply_end; }
    };
    struct Mail {
        std::size_t account = 0;
        SampleMail sample;
        std::vector<Goal> goals;
        bool is_on_server = true;
        std::string uid;
        std::uint64_t listed_size = 0;
        MonotonicTime identity_since{};  ///< UID and size
        std::optional<MonotonicTime> listed_since;
        std::optional<MonotonicTime> absent_since;  ///< from complete listings
        bool may_be_skipped = false;      ///< there when the account was not known yet (initial)
        bool is_removal_claimed = false;  ///< by its server
        std::map<Goal, std::vector<Acceptance>> accepted;
        std::set<Goal> spam;  ///< where it may be discarded
        // In Maildirs, where each is once under each of its X-Postrider-Ids:
        std::map<std::string, std::set<std::string>> filed;  ///< ids, by path
        std::size_t delivery_ids = 1;                        ///< that it may have had
    };

    [[nodiscard]] const AccountFacts& facts_of(const Mail& mail) const {
        return accounts_.at(mail.account);
    }
    static void excuse(Mail& mail, Excuse reason);
    /// Has the program believed what its server claims of it?
    [[nodiscard]] bool is_believed_gone(const Mail& mail) const;
    /// Has it shown its content since it was absent?
    [[nodiscard]] bool has_been_met(const Mail& mail) const;
    [[nodiscard]] bool has_it(const Mail& mail, const Goal& goal) const;
    [[nodiscard]] bool is_accepted(const Mail& mail);
    [[nodiscard]] bool may_be_deleted(const Mail& mail, const engine::AccountPolicy& policy) const;
    /// Does the policy leave it where it is?
    [[nodiscard]] bool is_left_out(const Mail& mail);
    [[nodiscard]] RecordKey key_of(const Mail& mail) const;
    /// Is it held durably for all who did not get it?
    [[nodiscard]] bool is_safe(std::uint64_t id, const Mail& mail);
    [[nodiscard]] std::optional<Excuse> excuse_of(const Acceptance& last) const;
    /// Why a message that a client wrote before it went need not have been known to later ones.
    [[nodiscard]] std::optional<Excuse> excuse_of_late(const Mail& mail,
                                                       const Arrivals& arrivals) const;
    /// Does that ledger know of this one that it has it, or that a copy is held?
    [[nodiscard]] bool is_settled(const Mail& mail, const LedgerImage& ledger,
                                  const Goal& goal) const;
    void accept(std::uint64_t id, const Goal& goal, Acceptance acceptance);
    [[nodiscard]] const store::MessageRecord* durable_record(const Mail& mail);
    /// What a power cut would leave of it, and what the end of the process would.
    [[nodiscard]] LedgerImage read_durable_ledger() const;
    [[nodiscard]] LedgerImage read_written_ledger() const;
    void look_at_durable();
    void read_held();
    void read_maildirs();
    /// Marks what this end leaves in doubt, and holds its number against I5.
    void note_doubt(std::size_t account, const LedgerImage& ledger, Machine::State how);
    void doubt(std::size_t account, MonotonicTime ended, std::uint64_t id);

    const test::SimLoop& loop_;
    const Disk& disk_;
    Trace& trace_;
    mutable LedgerReader reader_;
    Maildirs maildirs_;
    std::vector<AccountFacts> accounts_;
    std::map<std::uint64_t, Mail> mails_;
    MonotonicTime ledger_since_{};  ///< somebody took the one before away
    /// Messages that the end of a process left in doubt, by its account and time.
    std::map<std::pair<std::size_t, MonotonicTime>, std::set<std::uint64_t>> doubts_;
    std::optional<std::string> violation_;
    std::array<std::uint64_t, kExcuses> duplicates_{};

    std::optional<std::uint64_t> seen_version_;  ///< of the disk, that the next two show
    LedgerImage durable_ledger_;
    std::map<std::uint64_t, std::set<Goal>> durable_held_;  ///< by message
};

}  // namespace postrider::sim
