#include "store/installation.h"

#include <string>

#include <gtest/gtest.h>

namespace postrider::store {
namespace {

const Installation kOurs{"00ff", 7, {"alice", "bob"}};

Findings found(std::optional<Installation> ledger, std::optional<Installation> marker) {
    return {"/state/ledger.db", std::move(ledger), std::move(marker), false};
}

TEST(Marker, ComesBackAsItWas) {
    EXPECT_EQ(parse_marker(marker_text(kOurs)), kOurs);
    EXPECT_EQ(parse_marker(marker_text({"1", 1, {}})), (Installation{"1", 1, {}}));
}

TEST(Marker, CutAnywhereButAfterAnAccountItIsUnreadable) {
    const std::string text = marker_text({"00ff", 7, {}});
    for (std::size_t size = 0; size < text.size(); ++size) {
        EXPECT_FALSE(parse_marker(text.substr(0, size)).has_value()) << size;
    }
}

TEST(Marker, UnknownLinesAreUnreadable) {
    EXPECT_FALSE(parse_marker(marker_text(kOurs) + "colour blue\n"));
    EXPECT_FALSE(parse_marker("postrider installation 2\nid 1\ngeneration 1\n"));
    EXPECT_FALSE(parse_marker("postrider installation 1\nid 1\ngeneration x\n"));
}

TEST(LossGuard, TrustsAFirstStartAndAnUnchangedInstallation) {
    EXPECT_TRUE(judge(found(std::nullopt, std::nullopt)));
    EXPECT_TRUE(judge(found(Installation{"00ff", 1, {}}, std::nullopt)));
    EXPECT_TRUE(judge(found(kOurs, kOurs)));
}

TEST(LossGuard, TrustsALedgerThatIsAheadOfTheMarker) {
    Installation ahead = kOurs;
    ahead.generation += 1;
    ahead.accounts.insert("carol");
    EXPECT_TRUE(judge(found(ahead, kOurs)));
}

//
TEST(LossGuard, EveryDoubtSaysWhatWouldHappenAndHowToGoOn) {
    Installation other = kOurs;
    other.id = "dead";
    Installation older = kOurs;
    older.generation -= 1;
    Installation lacking = kOurs;
    lacking.accounts.erase("bob");
    Findings unreadable = found(kOurs, std::nullopt);
    unreadable.marker_unreadable = true;
    for (const Findings& findings :
         {found(std::nullopt, kOurs), found(other, kOurs), found(older, kOurs),
          found(lacking, kOurs), found(kOurs, std::nullopt), unreadable}) {
        const auto judged = judge(findings);
        ASSERT_FALSE(judged);
        EXPECT_EQ(judged.error().code, Errc::doubt);
        EXPECT_EQ(judged.error().retry, Retry::never);
        for (const char* const part :
             {"/state/ledger.db", "Going on would", "--accept-state-loss"}) {
            EXPECT_NE(judged.error().text.find(part), std::string::npos) << judged.error().text;
        }
    }
}

TEST(LossGuard, NamesOnlySomeOfManyAccounts) {
    Installation many{"00ff", 7, {}};
    for (int i = 0; i < 1000; ++i) {
        many.accounts.insert("account" + std::to_string(i));
    }
    const auto judged = judge(found(std::nullopt, many));
    ASSERT_FALSE(judged);
    EXPECT_NE(judged.error().text.find("1000 accounts"), std::string::npos) << judged.error().text;
    EXPECT_LT(judged.error().text.size(), 600U);
}

}  // namespace
}  // namespace postrider::store
