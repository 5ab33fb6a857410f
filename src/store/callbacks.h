#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "postrider/base/error.h"
#include "postrider/event/loop.h"
#include "postrider/event/operation.h"

namespace postrider::store {

/// A completion that somebody waits for. Only the loop's thread looks inside, so a destroyed
/// operation silences it at any stage, even when it is on its way back already.
template <class Result>
class Ticket {
  public:
    explicit Ticket(std::function<void(Expected<Result>)> done) : done_(std::move(done)) {}

    /// On the loop's thread; calls at most once.
    void call(Expected<Result> result) {
        if (const auto done = std::exchange(done_, nullptr)) {
            done(std::move(result));
        }
    }
    void silence() { done_ = nullptr; }

  private:
    std::function<void(Expected<Result>)> done_;
};

/// What the caller holds of a ticket.
template <class Result>
class TicketOperation final : public event::Operation {
  public:
    /// Shared with the work under way, which outlives a caller that went away.
    explicit TicketOperation(std::shared_ptr<Ticket<Result>> ticket) : ticket_(std::move(ticket)) {}
    TicketOperation(const TicketOperation&) = delete;
    TicketOperation& operator=(const TicketOperation&) = delete;
    ~TicketOperation() override { ticket_->silence(); }

  private:
    std::shared_ptr<Ticket<Result>> ticket_;
};

/// Brings completions to the loop from any thread, in order, as long as this object lives; it is
/// made and destroyed on the loop's thread. None runs after its end.
class Callbacks {
  public:
    using Call = std::function<void()>;

    explicit Callbacks(event::Loop& loop) : loop_(loop) {}
    Callbacks(const Callbacks&) = delete;
    Callbacks& operator=(const Callbacks&) = delete;
    ~Callbacks() { *open_ = false; }

    void post(std::vector<Call> calls) {
        if (calls.empty()) {
            return;
        }
        loop_.post([open = open_, calls = std::move(calls)] {
            for (const Call& call : calls) {
                if (!*open) {  // a call may have destroyed us
                    return;
                }
                call();
            }
        });
    }

    /// A call that gives `result` to `ticket`.
    template <class Result>
    [[nodiscard]] static Call answer(std::shared_ptr<Ticket<Result>> ticket,
                                     Expected<Result> result) {
        // The calls are const inside post(): the result is moved out from behind a pointer.
        return [ticket = std::move(ticket),
                held = std::make_shared<Expected<Result>>(std::move(result))] {
            ticket->call(std::move(*held));
        };
    }

  private:
    event::Loop& loop_;
    /// Owned by us and by what is posted; looked at on the loop's thread only.
    std::shared_ptr<bool> open_ = std::make_shared<bool>(true);
};

}  // namespace postrider::store
