#include "sink/smtp_hosts.h"

#include <gtest/gtest.h>

namespace postrider::sink {
namespace {

using namespace std::chrono_literals;

class SmtpHostsTest : public testing::Test {
  protected:
    void fail(std::size_t host, const std::string& text, Retry retry = Retry::later) {
        hosts.on_failed(host, {Errc::network, retry, text}, now);
    }

    SmtpHosts hosts{{"a:25", "b:25"}};
    MonotonicTime now{1h};
};

TEST_F(SmtpHostsTest, TheFirstThatHasNotFailedLatelyIsNext) {
    EXPECT_EQ(hosts.next(now), 0U);
    fail(0, "a:25: refused");
    EXPECT_EQ(hosts.next(now), 1U);
    EXPECT_EQ(hosts.next(now + kHostPause - 1ms), 1U);
    EXPECT_EQ(hosts.next(now + kHostPause), 0U);
}

TEST_F(SmtpHostsTest, AHostThatAnswersIsNoLongerLeftAlone) {
    fail(0, "refused");
    hosts.on_ready(0);
    EXPECT_EQ(hosts.next(now), 0U);
}

TEST_F(SmtpHostsTest, WhenNoneIsLeftAllThatTheySaidIsTold) {
    fail(0, "a:25: connection refused");
    fail(1, "554 go away");
    EXPECT_FALSE(hosts.next(now));
    EXPECT_EQ(hosts.give_up().text, "a:25: connection refused; b:25: 554 go away");
    EXPECT_EQ(hosts.next(now), 0U);
}

TEST_F(SmtpHostsTest, APersonIsNeededOnlyIfEveryHostNeedsOne) {
    fail(0, "x", Retry::never);
    fail(1, "y", Retry::later);
    EXPECT_EQ(hosts.give_up().retry, Retry::later);
    fail(0, "x", Retry::never);
    fail(1, "y", Retry::never);
    EXPECT_EQ(hosts.give_up().retry, Retry::never);
}

TEST(SmtpHosts, ALoneHostIsNotNamedBesideItsError) {
    SmtpHosts one({"a:25"});
    one.on_failed(0, {Errc::refused, Retry::never, "554 go away"}, MonotonicTime{1h});
    EXPECT_EQ(one.give_up().text, "554 go away");
}

}  // namespace
}  // namespace postrider::sink
