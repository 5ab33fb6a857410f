#pragma once

namespace postrider::event {

/// Something under way that somebody waits for. Destroying it cancels it: its completion then never
/// runs. A completion runs at most once, from the loop, never inside the call that started it.
class Operation {
  public:
    Operation() = default;
    Operation(const Operation&) = delete;
    Operation& operator=(const Operation&) = delete;
    virtual ~Operation() = default;
};

}  // namespace postrider::event
