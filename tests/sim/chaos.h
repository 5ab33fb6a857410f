#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string_view>
#include <vector>

namespace postrider::sim {

/// All that can go wrong.
enum class Fault : std::uint8_t {
    kill,             ///< of the process, at some event
    power_cut,        ///< of its machine, at some event
    write_error,      ///< EIO or ENOSPC to one write
    sync_error,       ///< EIO to one fsync
    disk_full,        ///< ENOSPC to all writes for a while
    connect_refused,  ///< or no answer
    cut_going,        ///< a connection ends after so many octets to the server
    cut_coming,       ///< ... or to the client
    stall,            ///< a connection carries nothing more, without an end
    pop3_refuses,     ///< -ERR to a command
    pop3_hangs_up,    ///< the end instead of an answer
    pop3_in_use,
    pop3_lists_less,  ///< an empty or shortened listing that looks complete
    pop3_sizes_move,  ///< LIST tells other sizes than before
    pop3_new_uids,    ///< all UIDs are different from now on
    pop3_quit_fails,  ///< -ERR to QUIT, some or none of it deleted
    mta_later,        ///< 4xx at some stage
    mta_refuses,      ///< 5xx at some stage
    mta_hangs_up,     ///< the end instead of a reply
    mta_drops_reply,  ///< takes the message, and hangs up before its reply
    mta_slow,         ///< answers after minutes
    mta_splits,       ///< of several recipients some are refused
    ledger_lost,      ///< between two lives of the process
};
inline constexpr std::size_t kFaults = static_cast<std::size_t>(Fault::ledger_lost) + 1;

[[nodiscard]] std::string_view to_text(Fault fault);

/// The n-th occasion for a fault.
struct FaultId {
    Fault fault = Fault::kill;
    std::uint64_t occasion = 0;
    auto operator<=>(const FaultId&) const = default;  // NOLINT(modernize-use-nullptr)
};

/// Decides which occasions become faults. Every occasion of every kind has its own chance out of
/// the seed, so that a fault can be left out and the others stay: a failing run is made shorter
/// that way. A seed also decides which kinds it knows at all, and how frequent they are.
class Chaos {
  public:
    Chaos(std::uint64_t seed, std::set<FaultId> left_out);

    /// Is this occasion a fault?
    [[nodiscard]] bool strikes(Fault fault);
    /// A number below `bound` that belongs to the fault of this kind that struck last.
    [[nodiscard]] std::uint64_t choose(Fault fault, std::uint64_t bound);

    /// No more faults.
    void heal() { is_healed_ = true; }
    [[nodiscard]] bool is_healed() const { return is_healed_; }

    /// All that struck, in order.
    [[nodiscard]] const std::vector<FaultId>& struck() const { return struck_; }
    [[nodiscard]] std::uint64_t count(Fault fault) const { return struck_of_[index(fault)]; }

  private:
    [[nodiscard]] static std::size_t index(Fault fault) { return static_cast<std::size_t>(fault); }

    const std::uint64_t seed_;
    const std::set<FaultId> left_out_;
    bool is_healed_ = false;
    std::array<std::uint64_t, kFaults> one_in_{};  ///< 0: never in this run
    std::array<std::uint64_t, kFaults> occasions_{};
    std::array<std::uint64_t, kFaults> struck_of_{};
    std::array<std::uint64_t, kFaults> chosen_{};  ///< numbers given for the last one
    std::vector<FaultId> struck_;
};

}  // namespace postrider::sim
