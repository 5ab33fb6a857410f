#include "support/fake_held_store.h"

#include <algorithm>
#include <utility>

#include "support/fake_octets.h"

namespace postrider::test {

class FakeHeldStore::Holding final : public event::Operation {
  public:
    Holding(FakeHeldStore& store, Copy copy, store::HoldDone done)
        : store_(store),
          copy_(std::move(copy)),
          done_(std::move(done)),
          soon_(store.loop_.make_timer([this] { answer(); })) {
        soon_->arm(Duration::zero());
    }

  private:
    void answer() {
        const store::HoldDone done = std::move(done_);
        if (const auto error = std::exchange(store_.next_error_, std::nullopt)) {
            done(failure(*error));
            return;
        }
        auto& copies = store_.copies_;
        const auto same = std::find_if(copies.begin(), copies.end(), [&](const Copy& copy) {
            return copy.what.delivery_id == copy_.what.delivery_id &&
                   copy.what.destination == copy_.what.destination;
        });
        if (same == copies.end()) {
            copies.push_back(std::move(copy_));
        } else {
            *same = std::move(copy_);
        }
        done({});
    }

    FakeHeldStore& store_;
    Copy copy_;
    store::HoldDone done_;
    std::unique_ptr<event::Timer> soon_;
};

std::unique_ptr<event::Operation> FakeHeldStore::hold(
    const store::HeldMessage& what, std::shared_ptr<const mail::OutgoingMessage> message,
    store::HoldDone done) {
    return std::make_unique<Holding>(*this, Copy{what, octets_of(*message)}, std::move(done));
}

}  // namespace postrider::test
