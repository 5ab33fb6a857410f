#include <array>
#include <csignal>
#include <thread>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit/event/loop_contract.h"

namespace postrider::event {
namespace {

struct LibeventFactory {
    static std::unique_ptr<Loop> make() { return make_libevent_loop(); }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Libevent, LoopContract, LibeventFactory);

class LibeventLoopTest : public testing::Test {
  public:
    LibeventLoopTest(const LibeventLoopTest&) = delete;
    LibeventLoopTest& operator=(const LibeventLoopTest&) = delete;

  protected:
    LibeventLoopTest() {
        EXPECT_EQ(
            ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends_.data()), 0);
    }
    ~LibeventLoopTest() override {
        ::close(ends_[0]);
        ::close(ends_[1]);
    }

    [[nodiscard]] int here() const { return ends_[0]; }
    void peer_writes() const { EXPECT_EQ(::write(ends_[1], "x", 1), 1); }

    void turn_once() const {
        loop->defer([this] { loop->stop(); });
        loop->run();
    }

    const std::unique_ptr<Loop> loop = make_libevent_loop();

  private:
    std::array<int, 2> ends_{};
};

TEST_F(LibeventLoopTest, ReadinessIsLevelTriggered) {
    int seen = 0;
    const auto watch = loop->watch_fd(here(), Interest::read, [&](Readiness ready) {
        EXPECT_TRUE(ready.readable);
        EXPECT_FALSE(ready.writable);
        if (++seen == 2) {
            loop->stop();
        }
    });
    peer_writes();
    loop->run();
    EXPECT_EQ(seen, 2);
}

TEST_F(LibeventLoopTest, InterestDecidesWhatIsReported) {
    int calls = 0;
    bool writable = false;
    const auto watch = loop->watch_fd(here(), Interest::none, [&](Readiness ready) {
        ++calls;
        writable = ready.writable;
        loop->stop();
    });
    peer_writes();
    turn_once();
    EXPECT_EQ(calls, 0);
    watch->set_interest(Interest::write);
    loop->run();
    EXPECT_TRUE(writable);
    watch->set_interest(Interest::none);
    calls = 0;
    turn_once();
    EXPECT_EQ(calls, 0);
}

TEST_F(LibeventLoopTest, AWatchMayBeDestroyedInItsOwnCallback) {
    std::unique_ptr<FdWatch> watch;
    int calls = 0;
    watch =
        loop->watch_fd(here(), Interest::read_write, [&, kept = std::string(100, 'x')](Readiness) {
            watch.reset();
            calls += kept.size() == 100 ? 1 : 100;
            loop->stop();
        });
    peer_writes();
    loop->run();
    turn_once();
    EXPECT_EQ(calls, 1);
}

TEST_F(LibeventLoopTest, TheEndOfThePeerIsReadable) {
    bool readable = false;
    const auto watch = loop->watch_fd(here(), Interest::read, [&](Readiness ready) {
        readable = ready.readable;
        loop->stop();
    });
    EXPECT_EQ(::shutdown(here(), SHUT_RD), 0);
    loop->run();
    EXPECT_TRUE(readable);
}

TEST_F(LibeventLoopTest, ASignalIsToldOnTheLoop) {
    bool told = false;
    const auto watch = loop->watch_signal(SIGUSR1, [&] {
        told = true;
        loop->stop();
    });
    loop->defer([] { ::raise(SIGUSR1); });
    loop->run();
    EXPECT_TRUE(told);
}

TEST_F(LibeventLoopTest, ASignalWatchMayBeDestroyedInItsOwnCallback) {
    std::unique_ptr<Operation> watch;
    watch = loop->watch_signal(SIGUSR1, [&] {
        watch.reset();
        loop->stop();
    });
    loop->defer([] { ::raise(SIGUSR1); });
    loop->run();
    EXPECT_EQ(watch, nullptr);
}

TEST_F(LibeventLoopTest, PostWakesALoopThatWaits) {
    std::thread other;
    loop->defer([&] { other = std::thread([this] { loop->post([this] { loop->stop(); }); }); });
    loop->run();  // would wait for ever
    other.join();
}

TEST_F(LibeventLoopTest, PostsOfSeveralThreadsAllArriveInTheOrderOfEachThread) {
    constexpr int kEach = 500;
    std::array<int, 3> last{-1, -1, -1};
    int arrived = 0;
    std::vector<std::thread> threads;
    threads.reserve(last.size());
    for (std::size_t who = 0; who < last.size(); ++who) {
        threads.emplace_back([&, who] {
            for (int i = 0; i < kEach; ++i) {
                loop->post([&, who, i] {
                    EXPECT_EQ(last.at(who), i - 1);
                    last.at(who) = i;
                    if (++arrived == 3 * kEach) {
                        loop->stop();
                    }
                });
            }
        });
    }
    loop->run();
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(arrived, 3 * kEach);
}

TEST_F(LibeventLoopTest, TwoLoopsLiveSideBySide) {
    const auto other = make_libevent_loop();
    bool ran = false;
    std::thread thread([&] {
        other->defer([&] {
            ran = true;
            other->stop();
        });
        other->run();
    });
    turn_once();
    thread.join();
    EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace postrider::event
