// The worker of the program: a queue of jobs and a few threads. The loop thread owns every `done`:
// it is kept in a Completion that only the loop thread looks into, so that a destroyed Operation
// silences it at any stage, even when it is posted already.
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "postrider/base/assert.h"
#include "postrider/event/worker.h"

#include "event/start_thread.h"

namespace postrider::event {
namespace {

/// Owned by the Operation, by the job while it is queued or runs, and by its posted end.
struct Completion {
    std::function<void()> done;
};

class WorkerOperation final : public Operation {
  public:
    explicit WorkerOperation(std::shared_ptr<Completion> completion)
        : completion_(std::move(completion)) {}
    WorkerOperation(const WorkerOperation&) = delete;
    WorkerOperation& operator=(const WorkerOperation&) = delete;
    ~WorkerOperation() override { completion_->done = nullptr; }

  private:
    std::shared_ptr<Completion> completion_;
};

class ThreadWorker final : public Worker {
  public:
    /// Delegates, so that where a thread cannot be made the destructor ends those before it.
    ThreadWorker(Loop& loop, std::size_t threads) : ThreadWorker(loop) {
        POSTRIDER_ASSERT(threads > 0);
        threads_.reserve(threads);
        for (std::size_t i = 0; i < threads; ++i) {
            threads_.push_back(start_thread([this] { serve(); }));
        }
    }
    ThreadWorker(const ThreadWorker&) = delete;
    ThreadWorker& operator=(const ThreadWorker&) = delete;
    ~ThreadWorker() override {
        {
            const std::lock_guard lock(mutex_);
            ending_ = true;
        }
        changed_.notify_all();
        for (std::thread& thread : threads_) {
            thread.join();
        }
    }

    [[nodiscard]] std::unique_ptr<Operation> run(std::function<void()> job,
                                                 std::function<void()> done) override {
        auto completion = std::make_shared<Completion>(Completion{std::move(done)});
        auto operation = std::make_unique<WorkerOperation>(completion);
        {
            const std::lock_guard lock(mutex_);
            jobs_.push_back({std::move(job), std::move(completion)});
        }
        changed_.notify_one();
        return operation;
    }

  private:
    explicit ThreadWorker(Loop& loop) : loop_(loop) {}

    struct Job {
        std::function<void()> job;
        std::shared_ptr<Completion> completion;
    };

    void serve() {
        std::unique_lock lock(mutex_);
        while (true) {
            changed_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
            if (ending_) {
                return;
            }
            Job next = std::move(jobs_.front());
            jobs_.pop_front();
            lock.unlock();
            perform(std::move(next));
            lock.lock();
        }
    }

    void perform(Job next) {
        next.job();
        next.job = nullptr;  // what it shares with `done` is let go on the loop thread
        loop_.post([completion = std::move(next.completion)] {
            if (const auto done = std::exchange(completion->done, nullptr)) {
                done();
            }
        });
    }

    Loop& loop_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Job> jobs_;  ///< guarded by mutex_
    bool ending_ = false;   ///< guarded by mutex_
    std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<Worker> make_thread_worker(Loop& loop, std::size_t threads) {
    return std::make_unique<ThreadWorker>(loop, threads);
}

}  // namespace postrider::event
