#include "postrider/base/time.h"

#include <gtest/gtest.h>

namespace postrider {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(ParseDuration, ReadsEveryUnitAndTheirSums) {
    EXPECT_EQ(parse_duration("30s"), Duration(seconds(30)));
    EXPECT_EQ(parse_duration("500ms"), Duration(milliseconds(500)));
    EXPECT_EQ(parse_duration("14d"), Duration(hours(14 * 24)));
    EXPECT_EQ(parse_duration("1h30m"), Duration(minutes(90)));
    EXPECT_EQ(parse_duration("0s"), Duration(0));
}

TEST(ParseDuration, RefusesWhatIsNoDuration) {
    for (const char* text : {"", "5", "m", "5 m", "-5m", "5m1h", "5m5m", "1.5h", "5x",
                             "99999999999999999999d", "9223372036855s1d"}) {
        EXPECT_EQ(parse_duration(text), std::nullopt) << text;
    }
}

TEST(DurationText, ReadsBackToTheSame) {
    for (const char* text : {"0s", "30s", "1h30m", "14d", "1s500ms"}) {
        EXPECT_EQ(to_text(*parse_duration(text)), text);
    }
}

TEST(Rfc5322Date, IsUtcWithDayName) {
    const WallTime time{milliseconds(1795399560123)};
    EXPECT_EQ(rfc5322_date(time), "Mon, 23 Nov 2026 02:06:00 +0000");
    EXPECT_EQ(iso8601(time), "2026-11-23T02:06:00Z");
}

TEST(ParseIso8601, ReadsWhatIsWrittenAndNothingElse) {
    EXPECT_EQ(parse_iso8601("2026-11-23T02:06:00Z"), WallTime(milliseconds(1795399560000)));
    for (const char* text :
         {"", "2026", "2026-11-23", "2026-11-23 02:06:00Z", "2026-11-23T02:06:00",
          "2026-02-30T02:06:00Z", "2026-11-23T25:06:00Z", "2026-11-23T02:06:00Zx",
          "26-11-23T02:06:00Z", "nonsense that is long"}) {
        EXPECT_EQ(parse_iso8601(text), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace postrider
