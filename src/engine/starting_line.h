#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "postrider/base/time.h"

namespace postrider::engine {

/// Those who are due, and who of them may run now: no more than the limits allow, of equal
/// mailboxes one, and otherwise who has been due for longest. Accounts that were seen to hold a
/// place without using it share half of the places, so that they never keep the others out
///
class StartingLine {
  public:
    using Id = std::uint32_t;

    struct Limits {
        std::uint32_t polls = 200;
        std::uint32_t polls_per_host = 10;
    };

    struct Entrant {
        Id id = 0;
        MonotonicTime due{};
        std::string host;
        std::string mailbox;
        bool is_sluggish = false;
    };

    explicit StartingLine(const Limits& limits) : limits_(limits) {}

    void set_limits(const Limits& limits);
    void enter(Entrant entrant);
    /// Who waits goes away, who runs has ended; anybody else is no matter.
    void leave(Id id);
    /// Lets one run, if anybody may.
    [[nodiscard]] std::optional<Id> next();

    [[nodiscard]] std::size_t waiting() const { return entrants_.size() - running_; }
    [[nodiscard]] std::size_t running() const { return running_; }
    [[nodiscard]] bool is_running(Id id) const;
    /// Somebody waits for no other reason than that all places are taken.
    [[nodiscard]] bool is_full() const { return running_ >= limits_.polls && !ready_.empty(); }
    /// How many places the sluggish may hold.
    [[nodiscard]] std::size_t sluggish_places() const;
    [[nodiscard]] std::size_t sluggish_running() const { return sluggish_running_; }

  private:
    using Key = std::pair<MonotonicTime, Id>;
    enum class Place : std::uint8_t { at_host, at_mailbox, among_sluggish, running };

    struct Host {
        std::uint32_t running = 0;
        std::set<Key> due;
        std::optional<Key> ready;  ///< its entry in ready_
    };
    struct Mailbox {
        bool is_busy = false;
        std::set<Key> parked;
    };
    struct Standing {
        Entrant entrant;
        Place place = Place::at_host;
    };

    [[nodiscard]] bool runs(Standing& standing);
    void to_host(Standing& standing);
    void refresh(const std::string& host);
    void end_running(const Entrant& entrant);
    void forget_if_idle(const Entrant& entrant);
    [[nodiscard]] static Key key_of(const Entrant& entrant) { return {entrant.due, entrant.id}; }

    Limits limits_;
    std::unordered_map<Id, Standing> entrants_;
    std::unordered_map<std::string, Host> hosts_;
    std::unordered_map<std::string, Mailbox> mailboxes_;
    std::map<Key, std::string> ready_;  ///< hosts with room, by who is due there for longest
    std::set<Key> sluggish_;            ///< those who wait for a place of their half
    std::size_t running_ = 0;
    std::size_t sluggish_running_ = 0;
};

}  // namespace postrider::engine
