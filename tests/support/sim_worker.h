#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "postrider/event/loop.h"
#include "postrider/event/worker.h"

namespace postrider::test {

/// The worker without threads: a job runs at a deferred turn of the loop, its completion on a turn
/// after that. As with the real one, destroying the worker drops the jobs not begun.
class SimWorker final : public event::Worker {
  public:
    explicit SimWorker(event::Loop& loop) : loop_(loop) {}

    [[nodiscard]] std::unique_ptr<event::Operation> run(std::function<void()> job,
                                                        std::function<void()> done) override;

    /// Jobs that have run.
    [[nodiscard]] std::size_t jobs_run() const { return *jobs_run_; }

  private:
    event::Loop& loop_;
    /// Owned by the worker alone; queued jobs look through a weak_ptr whether it still lives.
    std::shared_ptr<std::size_t> jobs_run_ = std::make_shared<std::size_t>(0);
};

}  // namespace postrider::test
