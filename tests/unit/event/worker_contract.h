#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "postrider/event/loop.h"
#include "postrider/event/worker.h"

// What every event::Worker promises; run against each implementation. A Factory has
// `static std::unique_ptr<Loop> make_loop()` and `static std::unique_ptr<Worker> make(Loop&)`.
namespace postrider::event {

template <class Factory>
class WorkerContract : public testing::Test {
  protected:
    Loop& loop() { return *loop_; }
    Worker& worker() { return *worker_; }
    void drop_worker() { worker_.reset(); }

    /// One more job, and the loop until it is done: what was asked for before has then run too.
    void run_until_served() {
        const auto last = worker_->run([] {}, [this] { loop_->stop(); });
        loop_->run();
    }

    void turn_once() {
        loop_->defer([this] { loop_->stop(); });
        loop_->run();
    }

  private:
    std::unique_ptr<Loop> loop_ = Factory::make_loop();
    std::unique_ptr<Worker> worker_ = Factory::make(*loop_);
};

TYPED_TEST_SUITE_P(WorkerContract);

TYPED_TEST_P(WorkerContract, TheJobRunsBeforeItsCompletion) {
    const auto shared = std::make_shared<std::string>();
    const auto operation = this->worker().run([shared] { *shared += "job "; },
                                              [shared, this] {
                                                  *shared += "done";
                                                  this->loop().stop();
                                              });
    EXPECT_TRUE(operation != nullptr);
    this->loop().run();
    EXPECT_EQ(*shared, "job done");
}

TYPED_TEST_P(WorkerContract, NothingIsDoneInsideTheCall) {
    bool done = false;
    const auto operation = this->worker().run([] {}, [&] { done = true; });
    EXPECT_FALSE(done);
    this->run_until_served();
    EXPECT_TRUE(done);
}

TYPED_TEST_P(WorkerContract, ADestroyedOperationIsSilent) {
    bool done = false;
    auto operation = this->worker().run([] {}, [&] { done = true; });
    operation.reset();
    this->run_until_served();
    EXPECT_FALSE(done);
}

TYPED_TEST_P(WorkerContract, ACompletionMaySilenceAnotherThatIsPostedAlready) {
    bool second_done = false;
    std::unique_ptr<Operation> second;
    const auto first = this->worker().run([] {}, [&] { second.reset(); });
    second = this->worker().run([] {}, [&] { second_done = true; });
    this->run_until_served();
    EXPECT_FALSE(second_done);
}

TYPED_TEST_P(WorkerContract, ACompletionMayDestroyItsOwnOperation) {
    std::unique_ptr<Operation> operation;
    bool done = false;
    operation = this->worker().run([] {},
                                   [&, kept = std::string(100, 'x')] {
                                       operation.reset();
                                       done = kept.size() == 100;
                                   });
    this->run_until_served();
    EXPECT_TRUE(done);
}

TYPED_TEST_P(WorkerContract, AnOperationMayOutliveTheWorker) {
    bool done = false;
    auto operation = this->worker().run([] {}, [&] { done = true; });
    this->drop_worker();
    operation.reset();
    this->turn_once();
    EXPECT_FALSE(done);
}

TYPED_TEST_P(WorkerContract, SilencingLetsGoOfWhatTheCompletionOwns) {
    const auto owned = std::make_shared<int>(1);
    auto operation = this->worker().run([] {}, [owned] {});
    EXPECT_EQ(owned.use_count(), 2);
    operation.reset();
    EXPECT_EQ(owned.use_count(), 1);
}

REGISTER_TYPED_TEST_SUITE_P(WorkerContract, TheJobRunsBeforeItsCompletion,
                            NothingIsDoneInsideTheCall, ADestroyedOperationIsSilent,
                            ACompletionMaySilenceAnotherThatIsPostedAlready,
                            ACompletionMayDestroyItsOwnOperation, AnOperationMayOutliveTheWorker,
                            SilencingLetsGoOfWhatTheCompletionOwns);

}  // namespace postrider::event
