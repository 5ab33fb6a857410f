#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "postrider/base/time.h"

namespace postrider::app {

/// One thing that may be in trouble: "account alice", "destination local".
struct Subject {
    std::string kind;
    std::string name;
    auto operator<=>(const Subject&) const = default;  // NOLINT(modernize-use-nullptr)
};

struct Alert {
    Subject about;
    bool is_recovery = false;
    WallTime since{};  ///< of the trouble, or of being well again
    std::string text;  ///< what is wrong, or was
};

/// Decides what is worth waking somebody for. Trouble is told when it has lasted for `after`, or at
/// once if it waits for a person; recovery when all has been well for as long, and only of what was
/// told. So what flickers is told once and stays quiet. Pure; what is well and was never told takes
/// no room.
class Alarm {
  public:
    explicit Alarm(Duration after) : after_(after) {}

    void set_patience(Duration after) { after_ = after; }

    /// How it stands now; `trouble` in words if there is some.
    void see(const Subject& subject, const std::optional<std::string>& trouble,
             bool needs_attention, WallTime now);
    /// It is no longer there: nothing more is said of it.
    void forget(const Subject& subject);

    /// What is to be told now, each once.
    [[nodiscard]] std::vector<Alert> due(WallTime now);
    /// It could not be told: once more at the next due().
    void untell(const Alert& alert);

    /// Whom it has ever heard trouble of and not seen well for long.
    [[nodiscard]] std::size_t watched() const { return states_.size(); }

  private:
    struct State {
        bool is_troubled = false;
        bool needs_attention = false;
        bool is_told = false;  ///< the trouble, and its end not yet
        WallTime since{};      ///< is as it is
        std::string text;
    };

    Duration after_;
    std::map<Subject, State> states_;
};

}  // namespace postrider::app
