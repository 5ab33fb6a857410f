#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "postrider/event/loop.h"
#include "postrider/event/operation.h"

namespace postrider::event {

/// Runs what blocks (fsync, files, children) away from the loop thread. A job touches only what it
/// was given by value or owns together with its completion through a shared_ptr.
class Worker {
  public:
    Worker() = default;
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;
    virtual ~Worker() = default;

    /// `job` runs on some worker thread, then `done` on the loop. Destroying the result means that
    /// `done` will not run; a job that has begun is not interrupted, one that has not may still
    /// run.
    [[nodiscard]] virtual std::unique_ptr<Operation> run(std::function<void()> job,
                                                         std::function<void()> done) = 0;
};

/// `threads` threads that report back to `loop`, which must outlive the worker. The destructor
/// lets running jobs finish, drops those not begun, and joins.
[[nodiscard]] std::unique_ptr<Worker> make_thread_worker(Loop& loop, std::size_t threads);

}  // namespace postrider::event
