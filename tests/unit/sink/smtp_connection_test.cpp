#include "sink/smtp_connection.h"

#include <filesystem>

#include <unistd.h>

#include "unit/sink/sink_fixture.h"

// One connection as a server sees it: the octets, the ends and the deadlines.
namespace postrider::sink {
namespace {

using namespace std::chrono_literals;

class SmtpConnectionTest : public SinkTest {
  protected:
    /// Octets that have reached the server on the first connection.
    [[nodiscard]] std::size_t sent() const {
        return peer.requests().empty() ? 0 : peer.client_bytes(0).size();
    }
};

TEST_F(SmtpConnectionTest, SmtpDeliversTheExactOctets) {
    const auto message = message_of("Subject: x\r\n\r\n.dot\r\ncaf\xC3\xA9\r\n", "X-Own: 1\r\n");
    ASSERT_EQ(message->size(), 37U);
    peer.then({"S: 220 mx", "C: EHLO me.example", "S: 250-mx", "S: 250-SIZE", "S: 250 8BITMIME",
               "C: MAIL FROM:<ann@example.org> SIZE=37 BODY=8BITMIME", "S: 250 ok",
               "C: RCPT TO:<bob@example.org>", "S: 250 ok", "C: DATA", "S: 354 go", "C: X-Own: 1",
               "C: Subject: x", "C: ", "C: ..dot", "C: caf\xC3\xA9", "C: .",
               "S: 250 2.0.0 queued"});
    const auto asked = deliver({address("ann@example.org"), {address("bob@example.org")}}, message);
    loop.run_until_idle();
    ASSERT_EQ(asked->told(), "delivered 250");
    EXPECT_EQ(asked->report->verdicts[0].enhanced, "2.0.0");
    EXPECT_EQ(asked->report->verdicts[0].text, "queued");
}

TEST_F(SmtpConnectionTest, LmtpGivesOneVerdictPerRecipient) {
    settings.flavour = smtp::Flavour::lmtp;
    settings.hosts = {{{"", 0, "/run/lmtp"}}};
    peer.then({"S: 220 lmtp", "C: LHLO me.example", "S: 250-lmtp", "S: 250 PIPELINING",
               "C: MAIL FROM:<>", "C: RCPT TO:<a@example.org>", "C: RCPT TO:<b@example.org>",
               "C: RCPT TO:<c@example.org>", "C: DATA", "S: 250 ok", "S: 250 ok",
               "S: 550 5.1.1 unknown", "S: 250 ok", "S: 354 go", "C: a", "C: .", "S: 250 ok",
               "S: 452 4.2.2 full"});
    const auto asked = deliver("a\r\n", {"a@example.org", "b@example.org", "c@example.org"});
    loop.run_until_idle();
    EXPECT_EQ(asked->told(), "delivered 250, refused 550, later 452");
    EXPECT_EQ(peer.requests()[0].endpoint.unix_path, "/run/lmtp");
}

// S-018
TEST_F(SmtpConnectionTest, LmtpRecipientsWithoutTheirReplyAreAmbiguous) {
    settings.flavour = smtp::Flavour::lmtp;
    peer.then({"S: 220 lmtp", "C: LHLO me.example", "S: 250-lmtp", "S: 250 PIPELINING",
               "C: MAIL FROM:<>", "C: RCPT TO:<a@example.org>", "C: RCPT TO:<b@example.org>",
               "C: DATA", "S: 250 ok", "S: 250 ok", "S: 250 ok", "S: 354 go", "until .",
               "S: 250 ok", "close"});
    const auto asked = deliver("a\r\n", {"a@example.org", "b@example.org"});
    loop.run_until_idle();
    EXPECT_EQ(asked->told(), "delivered 250, ambiguous 0; fault later; hung up");
}

TEST_F(SmtpConnectionTest, StarttlsComesBeforeTheEnvelope) {
    settings.tls = TlsMode::starttls;
    EXPECT_EQ(deliver_to(joined({{"S: 220 mx", "C: EHLO me.example", "S: 250-mx", "S: 250 STARTTLS",
                                  "C: STARTTLS", "S: 220 go", "tls", "C: EHLO me.example",
                                  "S: 250-mx", "S: 250 PIPELINING"},
                                 taken()})),
              "delivered 250");
    EXPECT_FALSE(peer.requests()[0].tls);
}

TEST_F(SmtpConnectionTest, ImplicitTlsIsPartOfTheConnect) {
    settings.tls = TlsMode::implicit;
    settings.hosts[0].tls = {"mx.example", "", "destination local"};
    EXPECT_EQ(deliver_to(joined({hello(), taken()})), "delivered 250");
    ASSERT_TRUE(peer.requests()[0].tls);
    EXPECT_EQ(peer.requests()[0].tls->session_key, "destination local");
    EXPECT_EQ(peer.requests()[0].deadline, settings.timeouts.connect + settings.timeouts.tls);
}

TEST_F(SmtpConnectionTest, ACertificateFaultAfterStarttlsNeedsAPerson) {
    settings.tls = TlsMode::starttls;
    EXPECT_EQ(deliver_to({"S: 220 mx", "C: EHLO me.example", "S: 250-mx", "S: 250 STARTTLS",
                          "C: STARTTLS", "S: 220 go", "tls-fail certificate expired"}),
              "later 0; fault never");
}

TEST_F(SmtpConnectionTest, AnEndBehindTheFinalDotIsAmbiguous) {
    EXPECT_EQ(deliver_to(joined({hello(), content(), {"close"}})),
              "ambiguous 0; fault later; hung up");
}

TEST_F(SmtpConnectionTest, AnEndBeforeTheContentPutsOff) {
    EXPECT_EQ(deliver_to(joined({hello(), {"P: MAIL", "S: 250 ok", "close"}})),
              "later 0; fault later; hung up");
}

TEST_F(SmtpConnectionTest, ShutdownWithinATransactionPutsOff) {
    EXPECT_EQ(deliver_to(joined({hello(), {"P: MAIL", "S: 250 ok", "S: 421 4.3.2 bye", "close"}})),
              "later 421; fault later; hung up");
}

// R-005, S-029
TEST_F(SmtpConnectionTest, SilenceBehindTheFinalDotIsBorneTenMinutes) {
    peer.then(joined({hello(), content(), {"closed"}}));
    const auto asked = deliver();
    loop.advance(10min - 1s);
    EXPECT_EQ(asked->told(), "nothing");
    loop.advance(1s);
    EXPECT_EQ(asked->told(), "ambiguous 0; fault later; hung up");
    EXPECT_NE(asked->report->fault->text.find("timeouts.final_dot"), std::string::npos);
}

// The final dot waits for the commit.

TEST_F(SmtpConnectionTest, BeforeTheCommitNoFinalDotGoesOutHoweverLongItTakes) {
    peer.then(joined({hello(), taken()}));
    Asked asked;
    const auto delivery =
        prepare({std::nullopt, {address("bob@example.org")}}, message_of("a\r\n"), asked);
    loop.advance(1h);
    EXPECT_EQ(asked.told(), "nothing");
    EXPECT_TRUE(peer.client_bytes(0).ends_with("DATA\r\n"));
    delivery->commit();
    delivery->commit();
    loop.run_until_idle();
    EXPECT_EQ(asked.told(), "delivered 250");
    EXPECT_TRUE(peer.client_bytes(0).ends_with("DATA\r\na\r\n.\r\n"));
}

TEST_F(SmtpConnectionTest, LargeContentIsSentBeforeTheCommit) {
    const std::string large(2'000'000, 'a');
    peer.then({"S: 220 mx", "P: EHLO", "S: 250 mx", "P: MAIL", "S: 250 ok", "P: RCPT", "S: 250 ok",
               "P: DATA", "S: 354 go", "until .", "S: 250 ok"});
    Asked asked;
    const auto delivery =
        prepare({std::nullopt, {address("bob@example.org")}}, message_of(large + "\r\n"), asked);
    loop.advance(1s);
    EXPECT_GT(peer.client_bytes(0).size(), large.size() - 100'000);
    EXPECT_EQ(asked.told(), "nothing");
    delivery->commit();
    loop.advance(1s);
    EXPECT_EQ(asked.told(), "delivered 250");
}

TEST_F(SmtpConnectionTest, AnUncommittedDeliveryThatIsDestroyedIsNeverCompleted) {
    peer.then(joined({hello(),
                      {"P: MAIL", "C: RCPT TO:<bob@example.org>", "C: DATA", "S: 250 ok",
                       "S: 250 ok", "S: 354 go", "closed"}}));
    Asked asked;
    auto delivery =
        prepare({std::nullopt, {address("bob@example.org")}}, message_of("a\r\n"), asked);
    loop.advance(1s);
    delivery.reset();
    loop.advance(1s);
    EXPECT_EQ(peer.client_bytes(0).find("\r\n.\r\n"), std::string::npos);
    EXPECT_EQ(peer.open_streams(), 0U);
}

TEST_F(SmtpConnectionTest, WhatFailsBeforeTheCommitIsToldWithoutIt) {
    for (const char* const end : {"S: 421 4.3.2 bye", "close"}) {
        peer.then(joined({hello(),
                          {"P: MAIL", "C: RCPT TO:<bob@example.org>", "C: DATA", "S: 250 ok",
                           "S: 250 ok", "S: 354 go", "wait 1s", end}}));
        Asked asked;
        const auto delivery =
            prepare({std::nullopt, {address("bob@example.org")}}, message_of("a\r\n"), asked);
        loop.advance(10s);
        EXPECT_TRUE(asked.told().starts_with("later ")) << end << ": " << asked.told();
        delivery->commit();
        loop.advance(10s);
    }
}

// S-029
TEST_F(SmtpConnectionTest, EveryWaitOfTheEnvelopeHasItsDeadline) {
    const auto expect_overdue = [this](Script script, Duration after, std::string_view name) {
        peer.then(std::move(script));
        const auto asked = deliver();
        loop.advance(after - 1s);
        EXPECT_EQ(asked->told(), "nothing") << name;
        loop.advance(1s);
        EXPECT_TRUE(asked->told().starts_with("later 0; fault later")) << name;
        ASSERT_TRUE(asked->report);
        EXPECT_NE(asked->report->fault->text.find(name), std::string::npos)
            << asked->report->fault->text;
    };
    const Script ehlo = {"S: 220 mx", "P: EHLO", "S: 250 mx"};
    expect_overdue({"closed"}, 5min, "timeouts.greeting");
    expect_overdue({"S: 220 mx", "P: EHLO", "closed"}, 5min, "timeouts.greeting");
    expect_overdue(joined({ehlo, {"P: MAIL", "closed"}}), 5min, "timeouts.mail");
    expect_overdue(joined({ehlo, {"P: MAIL", "S: 250 ok", "P: RCPT", "closed"}}), 5min,
                   "timeouts.rcpt");
    expect_overdue(
        joined({ehlo, {"P: MAIL", "S: 250 ok", "P: RCPT", "S: 250 ok", "P: DATA", "closed"}}), 2min,
        "timeouts.data");
}

TEST_F(SmtpConnectionTest, ALargeMessageIsStreamedThroughBoundedOutput) {
    const std::string large(2'000'000, '.');  // one line: dot-stuffed once
    peer.then({"S: 220 mx", "P: EHLO", "S: 250 mx", "P: MAIL", "S: 250 ok", "P: RCPT", "S: 250 ok",
               "P: DATA", "S: 354 go", "until .", "S: 250 ok"});
    const auto asked = deliver(large);
    std::size_t before = 0;
    std::size_t most = 0;
    EXPECT_TRUE(loop.run_until([&] {
        most = std::max(most, sent() - before);
        before = sent();
        return asked->report.has_value();
    }));
    EXPECT_EQ(asked->told(), "delivered 250");
    EXPECT_GT(before, large.size());
    EXPECT_LE(most, net::ByteStream::kOutputHighMark + mail::OutgoingMessage::Reader::kPiece + 8);
}

/// Empties the spool files of this process, which have no name any more.
void lose_spool_files() {
    namespace fs = std::filesystem;
    const std::string directory = fs::canonical(testing::TempDir()).string();
    for (const fs::directory_entry& fd : fs::directory_iterator("/proc/self/fd")) {
        std::error_code gone;
        const std::string target = fs::read_symlink(fd.path(), gone).string();
        if (target.starts_with(directory) && target.ends_with(" (deleted)")) {
            EXPECT_EQ(truncate(fd.path().c_str(), 0), 0);
        }
    }
}

TEST_F(SmtpConnectionTest, AContentThatCannotBeReadIsNoFaultOfTheDestination) {
    peer.then(joined(
        {hello(),
         {"P: MAIL", "P: RCPT", "P: DATA", "S: 250 ok", "S: 250 ok", "S: 354 go", "closed"}}));
    const auto asked = deliver(std::string(900'000, 'a'));
    lose_spool_files();
    loop.run_until_idle();
    EXPECT_EQ(asked->told(), "later 0");
    EXPECT_EQ(peer.open_streams(), 0U);
}

// S-031
TEST_F(SmtpConnectionTest, ARefusalWithinALargeContentEndsItEarly) {
    const std::string large(2'000'000, 'a');
    peer.then({"S: 220 mx", "P: EHLO", "S: 250 mx", "P: MAIL", "S: 250 ok", "P: RCPT", "S: 250 ok",
               "P: DATA", "S: 354 go", "X: " + std::string(1000, 'a'), "S: 552 5.3.4 too big"});
    const auto asked = deliver(large);
    loop.run_until_idle();
    EXPECT_EQ(asked->told(), "refused 552");
    EXPECT_LT(sent(), large.size());
    EXPECT_EQ(peer.open_streams(), 0U);
}

// S-003
TEST_F(SmtpConnectionTest, ADeliveryDestroyedInItsContentClosesWithoutTheFinalDot) {
    peer.then({"S: 220 mx", "P: EHLO", "S: 250 mx", "P: MAIL", "S: 250 ok", "P: RCPT", "S: 250 ok",
               "P: DATA", "S: 354 go"});
    auto asked = deliver(std::string(2'000'000, 'a'));
    EXPECT_TRUE(loop.run_until([&] { return sent() > 300'000; }));
    asked.reset();
    loop.run_until_idle();
    EXPECT_EQ(peer.open_streams(), 0U);
    EXPECT_LT(sent(), 2'000'000U);
    EXPECT_TRUE(peer.client_bytes(0).ends_with("aaa"));
}

// What a smarthost asks for, and what may be asked of it.

class SmtpConnectionLoginTest : public SmtpConnectionTest {
  protected:
    SmtpConnectionLoginTest() {
        settings.tls = TlsMode::starttls;
        settings.login = {"me", Secret("c4n4ry"), ""};
    }

    static Script secured(const std::string& auth) {
        return {
            "S: 220 mx",          "C: EHLO me.example", "S: 250-mx",         "S: 250-AUTH PLAIN",
            "S: 250 STARTTLS",    "C: STARTTLS",        "S: 220 go",         "tls",
            "C: EHLO me.example", "S: 250-mx",          "S: 250-PIPELINING", "S: 250 AUTH " + auth};
    }
};

TEST_F(SmtpConnectionLoginTest, LogsInUnderTlsAndNotBefore) {
    EXPECT_EQ(deliver_to(joined({secured("PLAIN"),
                                 {"C: AUTH PLAIN AG1lAGM0bjRyeQ==", "S: 235 2.7.0 welcome"},
                                 taken()})),
              "delivered 250");
}

TEST_F(SmtpConnectionLoginTest, AMechanismThatWasAskedForIsNotReplaced) {
    settings.login->mechanism = "LOGIN";
    EXPECT_EQ(deliver_to(joined({secured("PLAIN LOGIN"),
                                 {"C: AUTH LOGIN", "S: 334 VXNlcm5hbWU6", "C: bWU=",
                                  "S: 334 UGFzc3dvcmQ6", "C: YzRuNHJ5", "S: 235 2.7.0 welcome"},
                                 taken()})),
              "delivered 250");
    sink_.reset();
    EXPECT_EQ(deliver_to(secured("PLAIN")), "later 0; fault never");
}

TEST_F(SmtpConnectionLoginTest, ARefusedLoginNeedsAPersonAndHoldsNothing) {
    EXPECT_EQ(
        deliver_to(joined({secured("PLAIN"), {"P: AUTH PLAIN", "S: 535 5.7.8 c4n4ry is wrong"}})),
        "later 0; fault never");
    sink_.reset();
    peer.then(joined({secured("PLAIN"), {"P: AUTH PLAIN", "S: 535 5.7.8 AG1lAGM0bjRyeQ=="}}));
    const auto asked = deliver();
    loop.run_until_idle();
    EXPECT_EQ(asked->report->fault->text.find("AG1lAGM0bjRyeQ"), std::string::npos);
    EXPECT_NE(asked->report->fault->text.find("check user and password"), std::string::npos);
}

TEST_F(SmtpConnectionLoginTest, AServerThatCannotLogUsInNowIsAskedAgainLater) {
    EXPECT_EQ(
        deliver_to(joined({secured("PLAIN"), {"P: AUTH PLAIN", "S: 454 4.7.0 backend is down"}})),
        "later 0; fault later");
}

// S-004
TEST_F(SmtpConnectionTest, ContentGoesInChunksWhereThatIsConfiguredAndOffered) {
    settings.chunking = true;
    EXPECT_EQ(
        deliver_to({"S: 220 mx", "P: EHLO", "S: 250-mx", "S: 250-PIPELINING", "S: 250 CHUNKING",
                    "C: MAIL FROM:<>", "C: RCPT TO:<bob@example.org>", "S: 250 ok", "S: 250 ok",
                    "C: BDAT 3", "C: a", "C: BDAT 0 LAST", "S: 250 ok", "S: 250 2.0.0 queued"}),
        "delivered 250");
}

TEST_F(SmtpConnectionTest, TheServerIsAskedForDeliveryStatusAsConfigured) {
    settings.dsn = {"NEVER", "HDRS"};
    settings.tells_envid = true;
    mail::MessageBuilder builder({testing::TempDir()});
    ASSERT_TRUE(builder.append("a\r\n"));
    const auto message = std::make_shared<const mail::OutgoingMessage>(
        std::move(builder.finish().value()), "", std::vector<mail::Edit>(),
        mail::Provenance{"alice", "id=1", {}});
    peer.then({"S: 220 mx", "P: EHLO", "S: 250-mx", "S: 250 DSN",
               "C: MAIL FROM:<> RET=HDRS ENVID=id+3D1", "S: 250 ok",
               "C: RCPT TO:<bob@example.org> NOTIFY=NEVER", "S: 250 ok", "C: DATA", "S: 354 go",
               "until .", "S: 250 ok"});
    const auto asked = deliver({std::nullopt, {address("bob@example.org")}}, message);
    loop.run_until_idle();
    EXPECT_EQ(asked->told(), "delivered 250");
}

TEST_F(SmtpConnectionTest, TheServerIsToldTheClientOfTheTrustedReceivedLine) {
    settings.xclient_hops = 2;
    peer.then({"S: 220 mx", "P: EHLO", "S: 250-mx", "S: 250 XCLIENT NAME ADDR PROTO HELO",
               "C: XCLIENT NAME=n.example ADDR=192.0.2.2 PROTO=SMTP HELO=h.example", "S: 220 mx",
               "C: EHLO h.example", "S: 250-mx", "S: 250 XCLIENT NAME ADDR PROTO HELO", "P: MAIL",
               "S: 250 ok", "P: RCPT", "S: 250 ok", "C: DATA", "S: 354 go", "until .",
               "S: 250 ok"});
    const auto asked = deliver(
        "Received: from x (x [192.0.2.1]) by isp with LMTP; x\r\n"
        "Received: from h.example (n.example [192.0.2.2]) by mx with SMTP\r\n"
        "\r\nx\r\n");
    loop.run_until_idle();
    EXPECT_EQ(asked->told(), "delivered 250");
}

TEST_F(SmtpConnectionTest, AServerThatDoesNotAllowXclientNeedsAPerson) {
    settings.xclient_hops = 1;
    EXPECT_EQ(deliver_to(hello()), "later 0; fault never");
}

TEST_F(SmtpConnectionTest, AnAddressBeyondAsciiNeedsSmtputf8) {
    const std::string bob =
        "b\xC3\xB6"
        "b@example.org";
    peer.then({"S: 220 mx", "P: EHLO", "S: 250-mx", "S: 250 SMTPUTF8", "C: MAIL FROM:<> SMTPUTF8",
               "S: 250 ok", "C: RCPT TO:<" + bob + ">", "S: 250 ok", "C: DATA", "S: 354 go",
               "until .", "S: 250 ok"});
    const auto taken_there = deliver("a\r\n", {bob});
    loop.run_until_idle();
    EXPECT_EQ(taken_there->told(), "delivered 250");
    sink_.reset();
    peer.then(hello());
    const auto refused_here = deliver("a\r\n", {bob});
    loop.run_until_idle();
    EXPECT_EQ(refused_here->told(), "refused 553");
}

// S-008, S-010: the policies, with the exact size of what they leave.
TEST_F(SmtpConnectionTest, WhatIsStrippedIsNotCounted) {
    settings.content.nul = NulOctets::strip;
    peer.then({"S: 220 mx", "P: EHLO", "S: 250-mx", "S: 250 SIZE", "P: MAIL FROM:<> SIZE=38",
               "S: 250 ok", "P: RCPT", "S: 250 ok", "C: DATA", "S: 354 go", "C: A: b",
               "C: X-Postrider-Modified: nul", "C: ", "C: ..", "C: .", "S: 250 ok"});
    const auto asked = deliver(std::string("A: b\r\n\r\n\0.\0\r\n", 13));
    loop.run_until_idle();
    EXPECT_EQ(asked->told(), "delivered 250");
}

TEST_F(SmtpConnectionTest, WhatAPolicyHoldsIsRefusedWithoutAskingAndTheNextGoesOn) {
    settings.connections = 1;
    settings.content.nul = NulOctets::hold;
    peer.then(joined({hello(), taken()}));
    const auto odd = deliver(std::string("\0\r\n", 3));
    const auto plain = deliver();
    loop.run_until_idle();
    EXPECT_EQ(odd->told(), "refused 554");
    EXPECT_EQ(plain->told(), "delivered 250");
}

// S-009: 8-bit content goes out as it is, also to a server without 8BITMIME, unless it is to be
// held.
TEST_F(SmtpConnectionTest, EightBitContentIsSentAsItIsOrHeld) {
    peer.then({"S: 220 mx", "P: EHLO", "S: 250 mx", "C: MAIL FROM:<>", "S: 250 ok", "P: RCPT",
               "S: 250 ok", "C: DATA", "S: 354 go", "C: caf\xE9", "C: .", "S: 250 ok"});
    const auto sent = deliver("caf\xE9\r\n");
    loop.run_until_idle();
    EXPECT_EQ(sent->told(), "delivered 250");
    sink_.reset();
    settings.content.holds_8bit = true;
    peer.then({"S: 220 mx", "P: EHLO", "S: 250 mx"});
    const auto held = deliver("caf\xE9\r\n");
    loop.run_until_idle();
    EXPECT_EQ(held->told(), "refused 554");
}

}  // namespace
}  // namespace postrider::sink
