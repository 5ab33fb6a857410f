#include "postrider/store/held_copies.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "store/held_envelope.h"
#include "support/temp_dir.h"

namespace postrider::store {
namespace {

namespace fs = std::filesystem;
using postrider::test::read_whole;
using postrider::test::write_whole;

const std::string kId(32, 'a');
const std::string kOther(32, 'b');

HeldMessage refused(const std::string& id, const std::string& recipient, int second = 0) {
    HeldMessage what;
    what.delivery_id = id;
    what.account = "alice";
    what.uid = "uid\n\xff\"1\"";
    what.destination = "local";
    what.envelope.sender = *mail::Address::parse("eve@example.net");
    what.envelope.recipients = {*mail::Address::parse(recipient)};
    what.held_at = WallTime(std::chrono::seconds(1795399560 + second));
    what.reason = "550 5.1.1 no such user";
    return what;
}

class HeldCopiesTest : public testing::Test {
  protected:
    HeldCopiesTest() {
        for (const char* const folder : {"", "/new", "/cur", "/tmp"}) {
            fs::create_directory(held_ + folder);
        }
    }
    void put_message(const std::string& file,
                     const std::string& octets = "Subject: x\r\n\r\nx\r\n") {
        write_whole(held_ + "/" + file, octets);
    }
    void put_envelope(const std::string& file, const HeldMessage& what) {
        write_whole(held_ + "/" + file, envelope_json(what));
    }
    HeldListing list() {
        auto listing = copies_.list();
        EXPECT_TRUE(listing) << listing.error().text;
        return listing.value_or(HeldListing());
    }
    std::string octets_of(const HeldCopy& copy) {
        std::string octets;
        EXPECT_TRUE(copies_.read(copy, [&](std::string_view piece) -> Expected<void> {
            octets += piece;
            return {};
        }));
        return octets;
    }
    [[nodiscard]] bool has(const std::string& file) const { return fs::exists(held_ + "/" + file); }

    postrider::test::TempDir state_;
    const std::string held_ = state_.path() + "/held";
    const HeldCopies copies_{state_.path()};
};

TEST_F(HeldCopiesTest, NothingIsHeldWhereNothingWasEverHeld) {
    const HeldCopies nowhere(state_ / "missing");
    ASSERT_TRUE(nowhere.list());
    EXPECT_TRUE(nowhere.list()->copies.empty());
    fs::remove_all(held_ + "/new");
    EXPECT_TRUE(list().copies.empty());
}

TEST_F(HeldCopiesTest, ListsWhatIsHeldOldestFirstWithAllItsRefusals) {
    put_message("new/" + kId);
    put_envelope(kId + ".json", refused(kId, "bob@example.org", 30));
    put_envelope(kId + ".2.json", refused(kId, "carol@example.org", 20));
    put_message("cur/" + kOther + ":2,S", "y");
    put_envelope(kOther + ".json", refused(kOther, "dan@example.org", 10));
    const HeldListing listing = list();
    EXPECT_TRUE(listing.faults.empty());
    ASSERT_EQ(listing.copies.size(), 2U);
    EXPECT_EQ(listing.copies[0].id, kOther);
    EXPECT_EQ(listing.copies[0].size, 1U);
    ASSERT_EQ(listing.copies[1].refusals.size(), 2U);
    const HeldMessage& first = listing.copies[1].refusals[0].what;
    EXPECT_EQ(first.envelope.recipients.front().text(), "carol@example.org");
    EXPECT_EQ(first.uid, "uid\n\xff\"1\"");
    EXPECT_EQ(first.envelope.sender->text(), "eve@example.net");
    EXPECT_EQ(first.destination, "local");
    EXPECT_EQ(octets_of(listing.copies[0]), "y");
}

TEST_F(HeldCopiesTest, AnEnvelopeThatACrashLeftAloneIsNotHeld) {
    put_envelope(kId + ".json", refused(kId, "bob@example.org"));
    EXPECT_TRUE(list().copies.empty());
}

TEST_F(HeldCopiesTest, AMessageWithoutAReadableEnvelopeIsStillListed) {
    put_message("new/" + kId);
    const std::vector<std::string> all_damaged = {
        "", "{", "[]", "{\"delivery_id\": 1}", envelope_json(refused(kOther, "bob@example.org"))};
    for (const std::string& damaged : all_damaged) {
        write_whole(held_ + "/" + kId + ".json", damaged);
        const HeldListing listing = list();
        ASSERT_EQ(listing.copies.size(), 1U);
        EXPECT_TRUE(listing.copies.front().refusals.empty());
        ASSERT_EQ(listing.faults.size(), 1U) << damaged;
        EXPECT_NE(listing.faults.front().find(kId + ".json"), std::string::npos);
    }
}

TEST_F(HeldCopiesTest, ADamagedSenderIsNotTheNullSender) {
    std::string json = envelope_json(refused(kId, "bob@example.org"));
    EXPECT_TRUE(parse_envelope(json));
    json.replace(json.find("eve@example.net"), 15, "");
    EXPECT_FALSE(parse_envelope(json));
    json.replace(json.find("bob@example.org"), 15, "b b");
    EXPECT_FALSE(parse_envelope(json));
}

TEST_F(HeldCopiesTest, AnAmendedEnvelopeReadsBack) {
    put_message("new/" + kId);
    put_envelope(kId + ".json", refused(kId, "bob@example.org"));
    HeldRefusal refusal = list().copies.front().refusals.front();
    refusal.what.reason = "554 worse";
    refusal.what.retries = 3;
    ASSERT_TRUE(copies_.amend(refusal));
    const HeldMessage amended = list().copies.front().refusals.front().what;
    EXPECT_EQ(amended.reason, "554 worse");
    EXPECT_EQ(amended.retries, 3U);
    EXPECT_EQ(amended.uid, refusal.what.uid);
}

TEST_F(HeldCopiesTest, TheMessageGoesWithItsLastRefusal) {
    put_message("new/" + kId);
    put_envelope(kId + ".json", refused(kId, "bob@example.org", 1));
    put_envelope(kId + ".2.json", refused(kId, "carol@example.org", 2));
    HeldCopy copy = list().copies.front();
    ASSERT_TRUE(copies_.remove(copy, 0));
    EXPECT_EQ(copy.refusals.size(), 1U);
    EXPECT_FALSE(has(kId + ".json"));
    EXPECT_TRUE(has("new/" + kId));
    ASSERT_TRUE(copies_.remove(copy, 0));
    EXPECT_FALSE(has(kId + ".2.json") || has("new/" + kId));
}

TEST_F(HeldCopiesTest, WhatIsTakenOutGoesWhereverAMailReaderHasMovedIt) {
    put_message("cur/" + kId + ":2,S");
    put_envelope(kId + ".json", refused(kId, "bob@example.org"));
    ASSERT_TRUE(copies_.remove(list().copies.front()));
    EXPECT_FALSE(has(kId + ".json") || has("cur/" + kId + ":2,S"));
}

TEST_F(HeldCopiesTest, AReaderThatFailsEndsTheReading) {
    put_message("new/" + kId, std::string(200'000, 'x'));
    int pieces = 0;
    const auto read = copies_.read(list().copies.front(), [&](std::string_view) -> Expected<void> {
        ++pieces;
        return failure(Errc::io, Retry::later, "full");
    });
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().text, "full");
    EXPECT_EQ(pieces, 1);
}

}  // namespace
}  // namespace postrider::store
