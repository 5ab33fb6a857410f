#include "postrider/sink/maildir_sink.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "postrider/mail/places.h"

#include "support/fsync_watch.h"
#include "support/sim_worker.h"
#include "unit/sink/local_fixture.h"
#include "unit/sink/sink_contract.h"

namespace postrider::sink {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kName = "0.0123456789abcdef0123456789abcdef.postrider";

MaildirSettings at(const std::string& path) {
    return {Pattern::parse(path, mail::delivery_places()).value()};
}

class MaildirPlace {
  public:
    MailSink& sink() { return *sink_; }
    void rest() { loop_.run_until_idle(); }
    bool wait(const Asked& asked) {
        loop_.run_until_idle();
        return asked.report || asked.probed;
    }
    std::size_t accepted() { return names_below(dir_ / "m/new").size(); }

  private:
    test::TempDir dir_;
    test::SimLoop loop_;
    test::SimWorker worker_{loop_};
    std::unique_ptr<MailSink> sink_ = make_maildir_sink(worker_, at(dir_ / "m"));
};
INSTANTIATE_TYPED_TEST_SUITE_P(Maildir, SinkContract, MaildirPlace);

class MaildirSinkTest : public testing::Test {
  protected:
    /// As a process that begins.
    void start(const std::string& path) { sink_ = make_maildir_sink(worker, at(path)); }

    std::unique_ptr<Asked> deliver(
        const std::vector<std::string>& to = {"bob@example.org"},
        std::shared_ptr<const mail::OutgoingMessage> message = fetched("A: b\r\n\r\nx\r\n")) {
        auto asked = std::make_unique<Asked>();
        auto delivery =
            sink_->deliver(envelope_to(to, "ann@example.net"), std::move(message),
                           [to = asked.get()](DeliveryReport report) { to->report = report; });
        delivery->commit();
        asked->operation = std::move(delivery);
        return asked;
    }
    std::unique_ptr<Asked> delivered(const std::vector<std::string>& to = {"bob@example.org"}) {
        auto asked = deliver(to);
        loop.run_until_idle();
        return asked;
    }

    test::TempDir dir;
    test::SimLoop loop;
    test::SimWorker worker{loop};
    std::unique_ptr<MailSink> sink_;
};

// Or a power cut takes it with all mail in it.
TEST_F(MaildirSinkTest, AMaildirWhoseMakerEndedAtOnceGetsADurableName) {
    start(dir / "a/{account}");
    for (const char* const name : {"a/alice-isp/tmp", "a/alice-isp/new", "a/alice-isp/cur"}) {
        std::filesystem::create_directories(dir / name);
    }
    test::FsyncWatch watch;
    delivered();
    for (const char* const name : {"", "a", "a/alice-isp"}) {
        EXPECT_TRUE(watch.has_synced(dir / name)) << name;
    }
    watch.forget();
    delivered();
    EXPECT_FALSE(watch.has_synced(dir / "a")) << "once is enough";
}

TEST_F(MaildirSinkTest, AnFsyncOfADirectoryThatFailedIsMadeUpFor) {
    start(dir / "a/{account}");
    std::filesystem::create_directories(dir / "a");
    test::FsyncWatch watch;
    watch.fail(dir / "a", EIO);
    const auto failed = deliver();
    loop.run_until_idle();
    ASSERT_TRUE(failed->report);
    EXPECT_EQ(failed->report->verdicts[0].outcome, Outcome::later);
    watch.fail(dir / "a", 0);
    delivered();
    EXPECT_TRUE(watch.has_synced(dir / "a"));
}

TEST_F(MaildirSinkTest, WritesWhatAFinalDeliveryWritesWithLineEndsOfThisSystem) {
    start(dir / "m");
    EXPECT_EQ(delivered()->told(), "delivered 0");
    EXPECT_EQ(test::read_whole(dir / ("m/new/" + std::string(kName))),
              "Return-Path: <ann@example.net>\n"
              "Delivered-To: bob@example.org\n"
              "X-Postrider-Id: 0123456789abcdef0123456789abcdef\n"
              "A: b\n\nx\n");
    EXPECT_THAT(names_below(dir / "m/tmp"), IsEmpty());
    struct stat facts {};
    ASSERT_EQ(::stat((dir / ("m/new/" + std::string(kName))).c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777U, 0600U);
    ASSERT_EQ(::stat((dir / "m/cur").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777U, 0700U);
}

TEST_F(MaildirSinkTest, FilesSortByWhenTheServerGotTheMessage) {
    start(dir / "m");
    const auto asked = deliver(
        {"bob@example.org"},
        fetched("\r\n", kDeliveryId, WallTime(std::chrono::milliseconds(1'700'000'000'999))));
    loop.run_until_idle();
    EXPECT_THAT(names_below(dir / "m/new"),
                ElementsAre("1700000000.0123456789abcdef0123456789abcdef.postrider"));
}

// a redelivery finds the first copy.
TEST_F(MaildirSinkTest, TheSameDeliveryIsThereOnce) {
    start(dir / "m");
    delivered();
    EXPECT_EQ(delivered()->told(), "delivered 0");
    start(dir / "m");
    EXPECT_EQ(delivered()->told(), "delivered 0");
    EXPECT_THAT(names_below(dir / "m/new"), ElementsAre(kName));
    EXPECT_THAT(names_below(dir / "m/tmp"), IsEmpty());
}

TEST_F(MaildirSinkTest, ACopyThatWasReadMeanwhileIsFoundByTheNextProcess) {
    start(dir / "m");
    delivered();
    std::filesystem::rename(dir / ("m/new/" + std::string(kName)),
                            dir / ("m/cur/" + std::string(kName) + ":2,S"));
    EXPECT_EQ(delivered()->told(), "delivered 0");
    start(dir / "m");
    EXPECT_EQ(delivered()->told(), "delivered 0");
    EXPECT_THAT(names_below(dir / "m/new"), IsEmpty());
}

//
TEST_F(MaildirSinkTest, WhatAKilledProcessLeftHalfWrittenIsRemovedByTheNextAttempt) {
    for (const char* const directory : {"m", "m/tmp", "m/new", "m/cur"}) {
        std::filesystem::create_directory(dir / directory);
    }
    test::write_whole(dir / ("m/tmp/" + std::string(kName) + ".0a.1"), "half");
    test::write_whole(dir / "m/tmp/1.other", "not ours");
    start(dir / "m");
    EXPECT_EQ(delivered()->told(), "delivered 0");
    EXPECT_THAT(names_below(dir / "m/tmp"), ElementsAre("1.other"));
    EXPECT_THAT(names_below(dir / "m/new"), ElementsAre(kName));
}

TEST_F(MaildirSinkTest, ADeliveryThatIsDroppedLeavesNothing) {
    start(dir / "m");
    for (int turns = 0; turns < 4; ++turns) {
        auto asked = std::make_unique<Asked>();
        auto delivery = sink_->deliver(envelope_to({"bob@example.org"}), fetched("x\r\n"),
                                       [](const DeliveryReport&) {});
        int turn = 0;
        loop.run_until([&] { return turn++ == turns; });
        delivery.reset();
        loop.run_until_idle();
        EXPECT_THAT(names_below(dir / "m/tmp"), IsEmpty()) << turns;
    }
    EXPECT_THAT(names_below(dir / "m/new"), IsEmpty());
}

TEST_F(MaildirSinkTest, RecipientsOfOnePathShareACopy) {
    start(dir / "{user}/m");
    const auto asked = delivered({"bob@example.org", "bob@example.net", "eve@example.org"});
    EXPECT_EQ(asked->told(), "delivered 0, delivered 0, delivered 0");
    EXPECT_THAT(names_below(dir / "bob/m/new"), ElementsAre(kName));
    EXPECT_THAT(test::read_whole(dir / ("bob/m/new/" + std::string(kName))),
                HasSubstr("Delivered-To: bob@example.org\nDelivered-To: bob@example.net\n"));
    EXPECT_THAT(names_below(dir / "eve/m/new"), ElementsAre(kName));
}

TEST_F(MaildirSinkTest, APlaceThatFailsPutsOffItsOwnMailOnly) {
    test::write_whole(dir / "eve", "a file");
    start(dir / "{user}/m");
    const auto asked = delivered({"bob@example.org", "eve@example.org"});
    EXPECT_EQ(asked->told(), "delivered 0, later 0");
    EXPECT_THAT(asked->report->verdicts[1].text, HasSubstr("eve/m: Not a directory"));
}

TEST_F(MaildirSinkTest, TheOnlyPlaceThatFailsIsAFaultOfTheDestination) {
    test::write_whole(dir / "m", "a file");
    start(dir / "m");
    EXPECT_EQ(delivered()->told(), "later 0; fault later");
    Asked asked;
    asked.operation = sink_->probe([&](Expected<void> outcome) { asked.probed = outcome; });
    loop.run_until_idle();
    ASSERT_TRUE(asked.probed && !*asked.probed);
    EXPECT_EQ(asked.probed->error().retry, Retry::later);
    EXPECT_THAT(asked.probed->error().text, HasSubstr("m: Not a directory"));
}

TEST_F(MaildirSinkTest, AProbeMakesWhatIsCommonToAll) {
    start(dir / "mail/x-{account}/m");
    Asked asked;
    asked.operation = sink_->probe([&](Expected<void> outcome) { asked.probed = outcome; });
    loop.run_until_idle();
    EXPECT_TRUE(asked.probed && *asked.probed);
    EXPECT_THAT(names_below(dir / "mail"), IsEmpty());
    EXPECT_TRUE(std::filesystem::is_directory(dir / "mail"));
}

}  // namespace
}  // namespace postrider::sink
