#include "postrider/store/maildir_held_store.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/sim_loop.h"
#include "support/sim_worker.h"
#include "support/temp_dir.h"

namespace postrider::store {
namespace {

namespace fs = std::filesystem;
using postrider::test::read_whole;
using postrider::test::write_whole;

class MaildirHeldStoreTest : public testing::Test {
  protected:
    MaildirHeldStoreTest() : state_(*StateDir::open(directory_ / "state")) { reopen(); }

    void reopen() {
        auto made = make_held_store(worker_, state_);
        ASSERT_TRUE(made) << made.error().text;
        store_ = *std::move(made);
    }
    static HeldMessage refused(const std::vector<std::string>& recipients) {
        HeldMessage what;
        what.delivery_id = "0123456789abcdef0123456789abcdef";
        what.account = "alice";
        what.uid = "uid\n\"1\"";
        for (const std::string& recipient : recipients) {
            what.envelope.recipients.push_back(*mail::Address::parse(recipient));
        }
        what.destination = "local";
        what.held_at = WallTime(std::chrono::seconds(1795399560));
        what.reason = "550 5.1.1 no such user";
        return what;
    }
    std::shared_ptr<const mail::OutgoingMessage> message(const std::string& body) {
        mail::MessageBuilder builder({directory_.path()});
        EXPECT_TRUE(builder.append(body));
        return std::make_shared<mail::OutgoingMessage>(*builder.finish(), "X-Ours: 1\r\n",
                                                       std::vector<mail::Edit>{});
    }
    Expected<void> hold(const HeldMessage& what,
                        const std::string& body = "Subject: x\r\n\r\nx\r\n") {
        std::optional<Expected<void>> result;
        const auto operation =
            store_->hold(what, message(body), [&](Expected<void> r) { result = std::move(r); });
        EXPECT_FALSE(result.has_value());
        EXPECT_TRUE(loop_.run_until([&] { return result.has_value(); }));
        return *result;
    }
    /// Paths of all files below held/, sorted.
    [[nodiscard]] std::vector<std::string> files() const {
        std::vector<std::string> found;
        for (const auto& entry : fs::recursive_directory_iterator(state_.held_path())) {
            if (entry.is_regular_file()) {
                found.push_back(fs::relative(entry.path(), state_.held_path()));
            }
        }
        std::sort(found.begin(), found.end());
        return found;
    }
    [[nodiscard]] std::string content(const std::string& name) const {
        return read_whole(state_.held_path() + "/" + name);
    }

    const std::string id_ = refused({}).delivery_id;
    postrider::test::TempDir directory_;
    postrider::test::SimLoop loop_;
    postrider::test::SimWorker worker_{loop_};
    StateDir state_;
    std::unique_ptr<HeldStore> store_;
};

TEST_F(MaildirHeldStoreTest, ItsDirectoriesArePrivate) {
    for (const char* const name : {"", "/tmp", "/new", "/cur"}) {
        struct stat status {};
        ASSERT_EQ(::stat((state_.held_path() + name).c_str(), &status), 0) << name;
        EXPECT_EQ(status.st_mode & 07777U, 0700U) << name;
    }
}

TEST_F(MaildirHeldStoreTest, KeepsTheMessageAndItsEnvelope) {
    HeldMessage what = refused({"bob@example.org", "carol@example.org"});
    what.envelope.sender = *mail::Address::parse("eve@example.net");
    ASSERT_TRUE(hold(what));
    EXPECT_EQ(files(), (std::vector{id_ + ".json", "new/" + id_}));
    EXPECT_EQ(content("new/" + id_), "X-Ours: 1\r\nSubject: x\r\n\r\nx\r\n");
    EXPECT_EQ(content(id_ + ".json"), R"({
  "delivery_id": "0123456789abcdef0123456789abcdef",
  "account": "alice",
  "uid": "uid\\x0a\"1\"",
  "destination": "local",
  "sender": "eve@example.net",
  "recipients": ["bob@example.org", "carol@example.org"],
  "held_at": "2026-11-23T02:06:00Z",
  "retries": 0,
  "reason": "550 5.1.1 no such user"
}
)");
}

TEST_F(MaildirHeldStoreTest, TheNullSenderIsNull) {
    ASSERT_TRUE(hold(refused({"bob@example.org"})));
    EXPECT_NE(content(id_ + ".json").find("\"sender\": null,"), std::string::npos);
}

TEST_F(MaildirHeldStoreTest, AMessageOfManyPiecesIsKeptWhole) {
    std::string body;
    while (body.size() < 300'000) {
        body += "line " + std::to_string(body.size()) + "\r\n";
    }
    ASSERT_TRUE(hold(refused({"bob@example.org"}), body));
    EXPECT_EQ(content("new/" + id_), "X-Ours: 1\r\n" + body);
}

TEST_F(MaildirHeldStoreTest, HoldingTwiceLeavesOneCopy) {
    HeldMessage what = refused({"bob@example.org"});
    ASSERT_TRUE(hold(what));
    const std::string envelope = content(id_ + ".json");
    what.reason = "550 5.1.1 no such user (queue id 2)";
    what.held_at += std::chrono::hours(1);
    ASSERT_TRUE(hold(what));
    EXPECT_EQ(files(), (std::vector{id_ + ".json", "new/" + id_}));
    EXPECT_EQ(content(id_ + ".json"), envelope);
}

TEST_F(MaildirHeldStoreTest, RecipientsRefusedLaterAddAnEnvelope) {
    ASSERT_TRUE(hold(refused({"bob@example.org"})));
    ASSERT_TRUE(hold(refused({"carol@example.org"})));
    ASSERT_TRUE(hold(refused({"dan@example.org"})));
    ASSERT_TRUE(hold(refused({"carol@example.org"})));
    EXPECT_EQ(files(), (std::vector{id_ + ".2.json", id_ + ".3.json", id_ + ".json",  //
                                    "new/" + id_}));
    EXPECT_NE(content(id_ + ".2.json").find("carol"), std::string::npos);
}

TEST_F(MaildirHeldStoreTest, AnotherDestinationAddsAnEnvelope) {
    HeldMessage what = refused({"bob@example.org"});
    ASSERT_TRUE(hold(what));
    what.destination = "archive";
    ASSERT_TRUE(hold(what));
    EXPECT_EQ(files(), (std::vector{id_ + ".2.json", id_ + ".json", "new/" + id_}));
}

TEST_F(MaildirHeldStoreTest, ACopyThatAMailReaderHasMovedIsFound) {
    ASSERT_TRUE(hold(refused({"bob@example.org"})));
    fs::rename(state_.held_path() + "/new/" + id_, state_.held_path() + "/cur/" + id_ + ":2,S");
    ASSERT_TRUE(hold(refused({"bob@example.org"})));
    EXPECT_EQ(files(), (std::vector{id_ + ".json", "cur/" + id_ + ":2,S"}));
}

TEST_F(MaildirHeldStoreTest, WhatACrashLeftHalfWrittenIsRemovedAtTheStart) {
    ASSERT_TRUE(hold(refused({"bob@example.org"})));
    write_whole(state_.held_path() + "/tmp/" + id_ + ".7", "half");
    write_whole(state_.held_path() + "/tmp/" + id_ + ".7.json", "{");
    reopen();
    EXPECT_EQ(files(), (std::vector{id_ + ".json", "new/" + id_}));
}

TEST_F(MaildirHeldStoreTest, AnEnvelopeThatACrashLeftAloneIsAdopted) {
    ASSERT_TRUE(hold(refused({"bob@example.org"})));
    fs::remove(state_.held_path() + "/new/" + id_);
    reopen();
    ASSERT_TRUE(hold(refused({"bob@example.org"})));
    EXPECT_EQ(files(), (std::vector{id_ + ".json", "new/" + id_}));
}

TEST_F(MaildirHeldStoreTest, AFailureIsToldAndLeavesNothing) {
    fs::remove(state_.held_path() + "/new");
    EXPECT_FALSE(hold(refused({"bob@example.org"})));
    fs::create_directory(state_.held_path() + "/new");
    reopen();
    ASSERT_TRUE(hold(refused({"bob@example.org"})));
    EXPECT_EQ(files(), (std::vector{id_ + ".json", "new/" + id_}));
}

TEST_F(MaildirHeldStoreTest, ADestroyedOperationIsSilent) {
    bool called = false;
    store_
        ->hold(refused({"bob@example.org"}), message("x\r\n"),
               [&](const Expected<void>&) { called = true; })
        .reset();
    loop_.run_until_idle();
    EXPECT_FALSE(called);
}

TEST_F(MaildirHeldStoreTest, TheStoreMayEndBeforeItsJob) {
    std::optional<Expected<void>> result;
    const auto operation = store_->hold(refused({"bob@example.org"}), message("x\r\n"),
                                        [&](Expected<void> r) { result = std::move(r); });
    store_.reset();
    ASSERT_TRUE(loop_.run_until([&] { return result.has_value(); }));
    EXPECT_TRUE(*result);
}

}  // namespace
}  // namespace postrider::store
