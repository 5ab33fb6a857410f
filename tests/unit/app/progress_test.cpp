#include "app/commands/progress.h"

#include <gtest/gtest.h>

namespace postrider::app {
namespace {

using namespace std::chrono_literals;

engine::PollReport half_done() {
    engine::PollReport report;
    report.account = "alice";
    report.listed = 240;
    report.to_fetch = 240;
    report.delivered = 117;
    report.held = 1;
    report.put_off = 1;
    report.fetch_refused = 1;
    report.fetched_octets = 1258291;
    return report;
}

TEST(ProgressLine, BeforeTheListing) {
    engine::PollReport report;
    report.account = "alice";
    EXPECT_EQ(progress_line(report, 3s, 80), "alice            connecting");
}

TEST(ProgressLine, HalfWay) {
    EXPECT_EQ(progress_line(half_done(), 10s, 200),
              "alice            [##########..........] 120/240 messages, 1.2 MiB, 12/s, 11s left");
}

TEST(ProgressLine, AtTheEndNothingIsLeft) {
    engine::PollReport report = half_done();
    report.delivered = 237;
    EXPECT_EQ(progress_line(report, 10s, 200),
              "alice            [####################] 240/240 messages, 1.2 MiB, 24/s");
}

TEST(ProgressLine, WithNothingToFetchIsFull) {
    engine::PollReport report;
    report.account = "alice";
    report.listed = 5;
    EXPECT_EQ(progress_line(report, 1s, 200),
              "alice            [####################] 0/0 messages, 0 B, 0/s");
}

TEST(ProgressLine, IsCutToTheTerminal) {
    const std::string whole = progress_line(half_done(), 10s, 200);
    for (const std::size_t columns : {0UL, 1UL, 20UL, 79UL}) {
        EXPECT_EQ(progress_line(half_done(), 10s, columns), whole.substr(0, columns));
    }
}

TEST(ProgressLine, NoTimeAtAllIsNoDivisionByZero) {
    EXPECT_NE(progress_line(half_done(), Duration::zero(), 200).find("120/240"), std::string::npos);
}

TEST(ProgressLine, NeverShowsMoreThanEverything) {
    engine::PollReport report = half_done();
    report.to_fetch = 100;
    EXPECT_NE(progress_line(report, 10s, 200).find("100/100"), std::string::npos);
}

}  // namespace
}  // namespace postrider::app
