#pragma once

#include <cstdint>

#include "sim/chaos.h"

namespace postrider::sim {

/// The machine that postrider runs on, as far as it can die. Everything the process does passes
/// through here, so that it may die between any two steps: from then on nothing that its objects
/// still do has an effect, until they are gone and a new process starts.
class Machine {
  public:
    enum class State : std::uint8_t { running, killed, powerless };

    explicit Machine(Chaos& chaos) : chaos_(chaos) {}

    /// Something is about to happen. Does the process live to see it?
    [[nodiscard]] bool event() {
        if (state_ == State::running && chaos_.strikes(Fault::kill)) {
            state_ = State::killed;
        }
        if (state_ == State::running && chaos_.strikes(Fault::power_cut)) {
            state_ = State::powerless;
        }
        return state_ == State::running;
    }

    [[nodiscard]] State state() const { return state_; }
    [[nodiscard]] bool runs() const { return state_ == State::running; }
    void start() { state_ = State::running; }
    /// In good order: what it still does does have an effect, but it does not die of it.
    void stop() { state_ = State::killed; }

  private:
    Chaos& chaos_;
    State state_ = State::running;
};

}  // namespace postrider::sim
