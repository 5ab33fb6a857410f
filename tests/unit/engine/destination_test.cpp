#include "postrider/engine/destination.h"

#include <gtest/gtest.h>

#include "support/fake_sink.h"
#include "support/sim_loop.h"

namespace postrider::engine {
namespace {

using namespace std::chrono_literals;

class DestinationTest : public ::testing::Test {
  protected:
    /// How long it stays closed from now on, to the second.
    Duration pause() {
        Duration closed_for{};
        while (destination.closed(now + closed_for)) {
            closed_for += 1s;
        }
        return closed_for;
    }

    void fault(Retry retry = Retry::later) {
        destination.on_fault({Errc::network, retry, "refused"}, now);
    }

    test::SimLoop loop;
    test::FakeSink sink{loop};
    Destination destination{"local", sink, 1};
    MonotonicTime now = loop.now();
};

TEST_F(DestinationTest, IsOpenAtFirst) {
    EXPECT_FALSE(destination.closed(now));
}

TEST_F(DestinationTest, AFaultPausesItAndNamesIt) {
    fault();
    ASSERT_TRUE(destination.closed(now));
    EXPECT_EQ(destination.closed(now)->text, "destination local: refused");
    EXPECT_EQ(destination.closed(now)->retry, Retry::later);
}

TEST_F(DestinationTest, PausesDoubleUpToALimitAndEachEnds) {
    for (const Duration least : {30s, 60s, 120s, 240s, 480s, 900s, 900s, 900s}) {
        fault();
        const Duration length = pause();
        EXPECT_GE(length, least);
        EXPECT_LE(length, least + least / 5 + 1s) << "a fifth of jitter at the most";
        now += length;
    }
}

TEST_F(DestinationTest, AnAcceptedMessageMakesThePausesShortAgain) {
    for (int i = 0; i < 5; ++i) {
        fault();
        now += pause();
    }
    destination.on_accepted();
    EXPECT_FALSE(destination.closed(now));
    fault();
    EXPECT_LE(pause(), 37s);
}

TEST_F(DestinationTest, TellsWhenItIsLookedAtAgain) {
    EXPECT_LE(destination.opens_at(), now);
    fault();
    ASSERT_TRUE(destination.opens_at());
    EXPECT_TRUE(destination.closed(*destination.opens_at() - 1ms));
    EXPECT_FALSE(destination.closed(*destination.opens_at()));
    fault(Retry::never);
    EXPECT_FALSE(destination.opens_at()) << "not by itself";
}

TEST_F(DestinationTest, ReopenedItStartsAnew) {
    for (int i = 0; i < 5; ++i) {
        fault();
        now += pause();
    }
    fault(Retry::never);
    destination.reopen();
    EXPECT_FALSE(destination.closed(now));
    fault();
    EXPECT_LE(pause(), 37s);
}

TEST_F(DestinationTest, FaultsOfDeliveriesUnderWayAreOneOutage) {
    for (int i = 0; i < 8; ++i) {
        fault();
    }
    EXPECT_LE(pause(), 37s);
    now += pause();
    fault();
    EXPECT_GE(pause(), 60s);
    EXPECT_LE(pause(), 73s);
}

TEST_F(DestinationTest, JitterDiffersBySeedAndRepeatsWithIt) {
    const auto length_of = [&](std::uint64_t seed) {
        Destination one("one", sink, seed);
        one.on_fault({Errc::network, Retry::later, "refused"}, now);
        Duration closed_for{};
        while (one.closed(now + closed_for)) {
            closed_for += 1ms;
        }
        return closed_for;
    };
    EXPECT_EQ(length_of(1), length_of(1));
    EXPECT_NE(length_of(1), length_of(2));
}

TEST_F(DestinationTest, AMisconfiguredOneStaysClosed) {
    fault(Retry::never);
    EXPECT_TRUE(destination.closed(now + 24h * 365));
}

TEST_F(DestinationTest, APassingFaultDoesNotReopenAMisconfiguredOne) {
    fault(Retry::never);
    fault(Retry::later);
    EXPECT_TRUE(destination.closed(now + 24h));
}

TEST_F(DestinationTest, AMisconfigurationStopsAPausedOne) {
    fault(Retry::later);
    fault(Retry::never);
    EXPECT_TRUE(destination.closed(now + 24h));
}

TEST_F(DestinationTest, ThreePutOffsInARowPauseIt) {
    destination.on_put_off(now, "451 later");
    destination.on_put_off(now, "451 later");
    EXPECT_FALSE(destination.closed(now));
    destination.on_put_off(now, "451 later");
    ASSERT_TRUE(destination.closed(now));
    EXPECT_NE(destination.closed(now)->text.find("451 later"), std::string::npos);
}

TEST_F(DestinationTest, PutOffsWithAnAcceptedMessageBetweenDoNotPauseIt) {
    for (int i = 0; i < 10; ++i) {
        destination.on_put_off(now, "451 later");
        destination.on_put_off(now, "451 later");
        destination.on_accepted();
    }
    EXPECT_FALSE(destination.closed(now));
}

TEST_F(DestinationTest, TenEqualRefusalsSinceTheStartStopIt) {
    for (std::uint32_t i = 1; i < kRefusalsInRow; ++i) {
        destination.on_refused("550 relaying denied");
    }
    EXPECT_FALSE(destination.closed(now));
    destination.on_refused("550 relaying denied");
    ASSERT_TRUE(destination.closed(now + 24h));
    EXPECT_EQ(destination.closed(now)->retry, Retry::never);
}

TEST_F(DestinationTest, RefusalsStopNothingOnceAMessageWasAccepted) {
    destination.on_accepted();
    for (std::uint32_t i = 0; i < 2 * kRefusalsInRow; ++i) {
        destination.on_refused("550 no such user");
    }
    EXPECT_FALSE(destination.closed(now));
}

TEST_F(DestinationTest, ConnectionsLostOverOneMessageAreNoOutageOverTwoTheyAre) {
    const Error lost{Errc::closed, Retry::later, "lost"};
    for (int i = 0; i < 3; ++i) {
        destination.on_hung_up(lost, now, std::to_string(i));
        destination.on_hung_up(lost, now, std::to_string(i));
        EXPECT_FALSE(destination.closed(now));
        destination.on_accepted();
    }
    destination.on_hung_up(lost, now, "one");
    destination.on_hung_up(lost, now, "two");
    ASSERT_TRUE(destination.closed(now));
    EXPECT_EQ(destination.closed(now)->text, "destination local: lost");
}

}  // namespace
}  // namespace postrider::engine
