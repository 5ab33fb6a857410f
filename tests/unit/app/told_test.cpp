#include "app/commands/told.h"

#include <gtest/gtest.h>

namespace postrider::app {
namespace {

using namespace std::chrono_literals;

engine::PollReport report() {
    engine::PollReport report;
    report.account = "alice";
    report.took = 1234ms;
    return report;
}

TEST(Summary, OfAnEmptyMailbox) {
    EXPECT_EQ(summary(report()), "alice: 0 messages delivered (0 B), 1.2 s");
}

TEST(Summary, OfOneMessage) {
    engine::PollReport one = report();
    one.listed = 1;
    one.delivered = 1;
    one.fetched_octets = 4300;
    EXPECT_EQ(summary(one), "alice: 1 message delivered (4.2 KiB), 1.2 s");
}

TEST(Summary, NamesEverythingElseThatHappened) {
    engine::PollReport all = report();
    all.listed = 40;
    all.delivered = 1;
    all.held = 2;
    all.put_off = 3;
    all.fetch_refused = 4;
    all.removed = 5;
    all.kept = 6;
    all.held_before = 7;
    all.without_uid = 8;
    all.last_trouble = "452 4.2.2 full";
    EXPECT_EQ(summary(all),
              "alice: 1 message delivered (0 B), 2 refused and held, 3 put off, 4 not to be had "
              "from the server, 5 deleted, 6 kept on the server, 7 held before, 8 left alone (no "
              "UID), 1.2 s; last trouble: 452 4.2.2 full");
}

TEST(Summary, OfAPollThatFailedAtOnceIsTheReason) {
    engine::PollReport failed = report();
    failed.error = Error{Errc::network, Retry::later, "connection refused"};
    EXPECT_EQ(summary(failed), "alice: failed: connection refused");
}

TEST(Summary, OfAPollThatFailedLaterTellsWhatWasDone) {
    engine::PollReport failed = report();
    failed.listed = 9;
    failed.delivered = 2;
    failed.last_trouble = "not said twice";
    failed.error = Error{Errc::closed, Retry::later, "the server closed the connection"};
    EXPECT_EQ(summary(failed),
              "alice: failed: the server closed the connection; 2 messages delivered (0 B), 1.2 s");
}

}  // namespace
}  // namespace postrider::app
