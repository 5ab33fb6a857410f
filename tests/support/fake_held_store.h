#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "postrider/event/loop.h"
#include "postrider/store/held.h"

namespace postrider::test {

/// A held store in memory. A copy is kept, or refused, at the turn that answers.
class FakeHeldStore final : public store::HeldStore {
  public:
    struct Copy {
        store::HeldMessage what;
        std::string octets;
    };

    /// `loop` outlives the store, and the store its operations.
    explicit FakeHeldStore(event::Loop& loop) : loop_(loop) {}

    [[nodiscard]] std::unique_ptr<event::Operation> hold(
        const store::HeldMessage& what, std::shared_ptr<const mail::OutgoingMessage> message,
        store::HoldDone done) override;

    void fail_next(Error error) { next_error_ = std::move(error); }

    [[nodiscard]] const std::vector<Copy>& copies() const { return copies_; }

  private:
    class Holding;

    event::Loop& loop_;
    std::optional<Error> next_error_;
    std::vector<Copy> copies_;
};

}  // namespace postrider::test
