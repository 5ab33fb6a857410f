#include "postrider/base/calm_log.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>

namespace postrider {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using Lines = std::vector<std::string>;

class Kept final : public Log {
  public:
    explicit Kept(Lines& lines) : lines_(lines) {}
    void write(LogLevel /*level*/, std::string_view event,
               std::initializer_list<Field> fields) override {
        std::string line(event);
        for (const Field& field : fields) {
            line.append(" ").append(field.key).append("=").append(field.value);
        }
        lines_.push_back(line);
    }

  private:
    Lines& lines_;
};

class CalmLogTest : public ::testing::Test {
  protected:
    Lines lines;
    MonotonicTime now{1h};
    std::unique_ptr<Log> log = make_calm_log(std::make_unique<Kept>(lines), [this] { return now; });
};

TEST_F(CalmLogTest, TellsTheSameOnceAMinuteAndHowOftenItCame) {
    for (int i = 0; i < 100; ++i) {
        log->warn("late", {{"by", "2s"}});
        now += 500ms;
    }
    EXPECT_THAT(lines, ElementsAre("late by=2s"));
    now += 1min;
    log->warn("late", {{"by", "2s"}});
    EXPECT_THAT(lines, ElementsAre("late by=2s", "repeated event=late times=99", "late by=2s"));
    now += 1min;
    log->warn("late", {{"by", "2s"}});
    EXPECT_EQ(lines.size(), 4U) << "nothing came meanwhile";
}

TEST_F(CalmLogTest, WhatIsOtherIsTold) {
    log->warn("late", {{"by", "2s"}});
    log->warn("late", {{"by", "3s"}});
    log->error("late", {{"of", "2s"}});
    log->warn("later");
    EXPECT_EQ(lines.size(), 4U);
}

TEST_F(CalmLogTest, WhatIsNoTroubleIsToldEachTime) {
    log->info("message", {{"account", "a"}});
    log->info("message", {{"account", "a"}});
    log->debug("x");
    log->debug("x");
    EXPECT_EQ(lines.size(), 4U);
}

TEST_F(CalmLogTest, RemembersNoMoreThanSoMany) {
    for (std::size_t i = 0; i <= kCalmLines; ++i) {
        log->warn("x", {{"n", i}});
        now += 1ms;
    }
    EXPECT_EQ(lines.size(), kCalmLines + 1);
    log->warn("x", {{"n", 0}});
    EXPECT_EQ(lines.size(), kCalmLines + 2) << "the oldest was forgotten";
    log->warn("x", {{"n", 5}});
    EXPECT_EQ(lines.size(), kCalmLines + 2);
}

}  // namespace
}  // namespace postrider
