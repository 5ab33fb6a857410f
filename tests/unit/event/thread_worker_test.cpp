#include <atomic>
#include <cerrno>
#include <future>
#include <system_error>
#include <thread>
#include <vector>

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include "postrider/event/attendant.h"

#include "support/sim_loop.h"
#include "support/sim_worker.h"
#include "unit/event/worker_contract.h"

namespace {
/// How many more threads the system makes; fewer than none: as many as one likes.
std::atomic<int> threads_left = -1;
}  // namespace

/// In the place of the system's, which it calls.
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*routine)(void*), void* argument) noexcept {
    if (threads_left == 0) {
        return EAGAIN;
    }
    if (threads_left > 0) {
        --threads_left;
    }
    static const auto systems =
        reinterpret_cast<decltype(&pthread_create)>(dlsym(RTLD_NEXT, "pthread_create"));
    return systems(thread, attributes, routine, argument);
}

namespace postrider::event {
namespace {

struct ThreadFactory {
    static std::unique_ptr<Loop> make_loop() { return make_libevent_loop(); }
    // One thread: jobs then end in the order in which they were asked for, as the contract's tests
    // need it.
    static std::unique_ptr<Worker> make(Loop& loop) { return make_thread_worker(loop, 1); }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Thread, WorkerContract, ThreadFactory);

struct SimFactory {
    static std::unique_ptr<Loop> make_loop() { return std::make_unique<test::SimLoop>(); }
    static std::unique_ptr<Worker> make(Loop& loop) {
        return std::make_unique<test::SimWorker>(loop);
    }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Sim, WorkerContract, SimFactory);

TEST(ThreadWorker, JobsRunAwayFromTheLoopAndCompletionsOnIt) {
    const auto loop = make_libevent_loop();
    const auto worker = make_thread_worker(*loop, 2);
    const auto job_thread = std::make_shared<std::thread::id>();
    std::thread::id done_thread;
    const auto operation = worker->run([job_thread] { *job_thread = std::this_thread::get_id(); },
                                       [&] {
                                           done_thread = std::this_thread::get_id();
                                           loop->stop();
                                       });
    loop->run();
    EXPECT_NE(*job_thread, std::this_thread::get_id());
    EXPECT_EQ(done_thread, std::this_thread::get_id());
}

TEST(ThreadWorker, WhereTheSystemMakesTooFewThreadsThoseItMadeAreEnded) {
    const auto loop = make_libevent_loop();
    for (const int made : {0, 1}) {
        threads_left = made;
        EXPECT_THROW(static_cast<void>(make_thread_worker(*loop, 2)), std::system_error) << made;
        EXPECT_EQ(threads_left, 0);
    }
    threads_left = -1;
    EXPECT_NE(make_thread_worker(*loop, 2), nullptr);
}

TEST(ThreadWorker, ThatTheSystemMakesNoMoreThreadsIsSaid) {
    const auto loop = make_libevent_loop();
    threads_left = 0;
    for (const bool is_worker : {true, false}) {
        try {
            if (is_worker) {
                static_cast<void>(make_thread_worker(*loop, 1));
            } else {
                static_cast<void>(make_thread_attendant([] {}));
            }
            ADD_FAILURE() << "it was made";
        } catch (const std::system_error& error) {
            EXPECT_NE(std::string(error.what()).find("no more threads"), std::string::npos);
            EXPECT_EQ(error.code().value(), EAGAIN);
        }
    }
    threads_left = -1;
}

TEST(ThreadWorker, SeveralThreadsWorkAtOnce) {
    const auto loop = make_libevent_loop();
    const auto worker = make_thread_worker(*loop, 2);
    std::promise<void> both;
    std::shared_future<void> second_began = both.get_future().share();
    int done = 0;
    const auto on_done = [&] {
        if (++done == 2) {
            loop->stop();
        }
    };
    // The first job ends only once the second one runs beside it.
    const auto first = worker->run([second_began] { second_began.wait(); }, on_done);
    const auto second = worker->run([&both] { both.set_value(); }, on_done);
    loop->run();
    EXPECT_EQ(done, 2);
}

TEST(ThreadWorker, TheDestructorFinishesWhatRunsAndDropsWhatHasNotBegun) {
    const auto loop = make_libevent_loop();
    auto worker = make_thread_worker(*loop, 1);
    std::promise<void> began;
    std::promise<void> go_on;
    std::atomic<int> finished = 0;
    const auto running = worker->run(
        [&] {
            began.set_value();
            go_on.get_future().wait();
            ++finished;
        },
        [] {});
    const auto waiting = worker->run([&] { finished += 100; }, [] {});
    began.get_future().wait();
    std::thread destroyer([&] { worker.reset(); });
    go_on.set_value();
    destroyer.join();
    // Whether the second job began before the destructor took the lock is a matter of luck, unless
    // the first is still held; so only what is certain is checked: nothing is cut off.
    EXPECT_EQ(finished % 100, 1);
}

TEST(ThreadWorker, ManyOperationsComeAndGoWhileJobsRun) {
    const auto loop = make_libevent_loop();
    const auto worker = make_thread_worker(*loop, 3);
    constexpr int kJobs = 300;
    std::vector<std::unique_ptr<Operation>> kept;
    int done = 0;
    for (int i = 0; i < kJobs; ++i) {
        auto operation = worker->run([] { std::this_thread::yield(); },
                                     [&] {
                                         if (++done == kJobs / 2) {
                                             loop->stop();
                                         }
                                     });
        if (i % 2 == 0) {
            kept.push_back(std::move(operation));
        }
    }
    loop->run();
    EXPECT_EQ(done, kJobs / 2);
}

}  // namespace
}  // namespace postrider::event
