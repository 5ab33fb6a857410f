#include "support/sim_worker.h"

#include <utility>

namespace postrider::test {
namespace {

/// Owned by the operation and by what is queued on the loop.
struct Completion {
    std::function<void()> done;
};

class SimOperation final : public event::Operation {
  public:
    explicit SimOperation(std::shared_ptr<Completion> completion)
        : completion_(std::move(completion)) {}
    SimOperation(const SimOperation&) = delete;
    SimOperation& operator=(const SimOperation&) = delete;
    ~SimOperation() override { completion_->done = nullptr; }

  private:
    std::shared_ptr<Completion> completion_;
};

}  // namespace

std::unique_ptr<event::Operation> SimWorker::run(std::function<void()> job,
                                                 std::function<void()> done) {
    auto completion = std::make_shared<Completion>(Completion{std::move(done)});
    auto operation = std::make_unique<SimOperation>(completion);
    loop_.defer([&loop = loop_, alive = std::weak_ptr(jobs_run_), job = std::move(job),
                 completion = std::move(completion)]() mutable {
        const auto jobs_run = alive.lock();
        if (jobs_run == nullptr) {
            return;
        }
        ++*jobs_run;
        job();
        job = nullptr;
        loop.defer([completion = std::move(completion)] {
            if (const auto ended = std::exchange(completion->done, nullptr)) {
                ended();
            }
        });
    });
    return operation;
}

}  // namespace postrider::test
