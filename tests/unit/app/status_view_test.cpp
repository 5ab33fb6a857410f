#include "app/commands/status_view.h"

#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace postrider::app {
namespace {

using nlohmann::json;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;
using namespace std::chrono_literals;

/// 2026-01-02T03:04:05Z.
constexpr WallTime kNow{std::chrono::milliseconds(1'767'323'045'000)};

json account(const std::string& name) {
    return {{"name", name}, {"state", "waiting"},      {"needs_attention", false},
            {"polls", 7},   {"delivered", 3},          {"next_poll", "2026-01-02T03:04:50Z"},
            {"backlog", 0}, {"deliver_to", {"local"}}, {"last_success", "2026-01-02T03:00:05Z"}};
}

json troubled(const std::string& name, const std::string& since, bool needs_attention) {
    json troubled = account(name);
    troubled["needs_attention"] = needs_attention;
    troubled["trouble"] = {{"text", "no answer from " + name}, {"since", since}};
    return troubled;
}

json report(std::vector<json> accounts) {
    return {{"daemon", {{"version", "1.2.3"}, {"accounts", accounts.size()}}},
            {"destinations", json::array({{{"name", "local"}, {"state", "open"}}})},
            {"accounts", std::move(accounts)}};
}

std::vector<std::string> lines_of(const std::string& text) {
    std::istringstream in(text);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) {
        lines.push_back(line);
    }
    return lines;
}

std::vector<std::string> table(std::vector<json> accounts, Look look = {}) {
    look.now = kNow;
    return lines_of(status_table(report(std::move(accounts)), look));
}

TEST(StatusView, ShowsALinePerAccount) {
    const auto lines = table({account("alice"), account("bob")});
    ASSERT_THAT(lines, SizeIs(4));
    EXPECT_EQ(lines[0],
              "postrider 1.2.3: 2 accounts, 0 in trouble, 0 being polled, 0 waiting for a turn");
    EXPECT_EQ(lines[1],
              "ACCOUNT                  STATE      LAST OK     NEXT  BACKLOG     MAIL   HELD");
    EXPECT_EQ(lines[2],
              "alice                    waiting         4m      45s        0        3      0");
    EXPECT_THAT(lines[3], StartsWith("bob "));
}

TEST(StatusView, TroubleComesFirstTheOldestOnTop) {
    json polling = account("polling");
    polling["state"] = "polling";
    const auto lines =
        table({account("well"), polling, troubled("late", "2026-01-02T03:00:00Z", false),
               troubled("early", "2026-01-01T03:04:05Z", false),
               troubled("person", "2026-01-02T03:04:00Z", true)});
    ASSERT_THAT(lines, SizeIs(10));
    EXPECT_THAT(lines[0], HasSubstr("3 in trouble"));
    EXPECT_THAT(lines[2], StartsWith("person                   attention"));
    EXPECT_EQ(lines[3], "  for 5s: no answer from person");
    EXPECT_THAT(lines[4], StartsWith("early                    trouble"));
    EXPECT_EQ(lines[5], "  for 24h: no answer from early");
    EXPECT_THAT(lines[6], StartsWith("late "));
    EXPECT_THAT(lines[8], StartsWith("polling "));
    EXPECT_THAT(lines[9], StartsWith("well "));
}

TEST(StatusView, FitsItsColumnsWhateverIsToldAndWhoeverSaysIt) {
    json bad = troubled("a-name-that-is-longer-than-its-column", "2026-01-01T03:04:05Z", true);
    bad["trouble"]["text"] = "\x1b[2J" + std::string(200, 'x') + "\n";
    bad["backlog"] = 1234567;
    json uncommon = account("b");
    uncommon["trouble"] = {{"text", "caf\u00e9 " + std::string(100, 'y')}};
    for (const std::size_t columns : {80U, 40U}) {
        const auto lines = table({bad, uncommon}, {.columns = columns});
        EXPECT_THAT(lines, SizeIs(6));
        for (const std::string& line : lines) {
            EXPECT_LE(line.size(), columns + 1) << line;  // e with acute accent: two octets
            EXPECT_THAT(line, Not(HasSubstr("\x1b")));
        }
    }
}

TEST(StatusView, FitsItsRowsAndSaysHowManyAreLeftOut) {
    std::vector<json> accounts{troubled("bad", "2026-01-01T03:04:05Z", true)};
    for (int i = 0; i < 50; ++i) {
        accounts.push_back(account("well" + std::to_string(i)));
    }
    const auto lines = table(accounts, {.rows = 10});
    ASSERT_THAT(lines, SizeIs(10));
    EXPECT_THAT(lines[2], StartsWith("bad "));
    EXPECT_EQ(lines[9], "... and 45 more");
    EXPECT_THAT(table({account("a"), account("b")}, {.rows = 4}), SizeIs(4)) << "as many as fit";
}

TEST(StatusView, ColoursOnlyWhereTheyAreWanted) {
    const std::vector<json> accounts{troubled("bad", "2026-01-01T03:04:05Z", true)};
    EXPECT_THAT(table(accounts), Each(Not(HasSubstr("\x1b"))));
    const auto lines = table(accounts, {.has_colours = true});
    EXPECT_THAT(lines[2], StartsWith("\x1b[1;31mbad "));
    EXPECT_THAT(lines[2], HasSubstr("\x1b[0m"));
}

TEST(StatusView, TellsDestinationsThatTakeNothing) {
    json with = report({account("a")});
    with["destinations"] = json::array({{{"name", "local"},
                                         {"state", "paused"},
                                         {"until", "2026-01-02T03:05:00Z"},
                                         {"trouble", {{"text", "connection refused"}}}}});
    const auto lines = lines_of(status_table(with, {.now = kNow}));
    EXPECT_EQ(lines[1], "destination local paused for 55s: connection refused");
    const std::string details = status_details(with, {.now = kNow});
    EXPECT_THAT(details, HasSubstr("destination    local, paused: connection refused\n"));
}

TEST(StatusView, DetailsTellAll) {
    json alice = troubled("alice", "2026-01-02T03:00:05Z", true);
    alice["polls_failed"] = 2;
    alice["failures_in_row"] = 2;
    const std::string text = status_details(report({alice}), {.now = kNow});
    EXPECT_THAT(text, StartsWith("alice: attention\n"));
    EXPECT_THAT(text, HasSubstr("  next poll      in 45s (2026-01-02T03:04:50Z)\n"));
    EXPECT_THAT(text, HasSubstr("  last success   4m ago (2026-01-02T03:00:05Z)\n"));
    EXPECT_THAT(text, HasSubstr("  trouble        for 4m, 2 in a row: no answer from alice\n"));
    EXPECT_THAT(text, HasSubstr("  polls          7, of which 2 failed\n"));
    EXPECT_THAT(text, HasSubstr("  destination    local, open\n"));
    alice["state"] = "polling";
    alice["poll"] = {{"listed", 9}, {"to_fetch", 4}, {"fetched", 2}, {"delivered", 1}};
    alice["since"] = "2026-01-02T03:04:00Z";
    EXPECT_THAT(status_details(report({alice}), {.now = kNow}),
                HasSubstr("  polling        for 5s: 9 listed, 2 of 4 fetched, 1 delivered, 0 B\n"));
}

}  // namespace
}  // namespace postrider::app
