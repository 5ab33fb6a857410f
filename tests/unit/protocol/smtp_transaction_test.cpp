#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "smtp_session.h"

// One transaction: what is said and when, content, early and missing answers. The table of answers
// is in smtp_outcome_test.cpp.
namespace postrider::smtp {
namespace {

constexpr std::string_view kPlain = "250 mx\r\n";
constexpr std::string_view kPipelining = "250-mx\r\n250 PIPELINING\r\n";
constexpr std::string_view kMail = "MAIL FROM:<s@a.example>\r\n";

/// Begins the transaction on a fresh session; what it says waits in say().
void begin(Session& session, Transaction transaction, std::string_view capabilities = kPlain) {
    session.hear("220 mx\r\n");
    session.say();
    session.transactions.push_back(std::move(transaction));
    session.hear(capabilities);
}

/// Up to the 354, with everybody accepted; the content waits in say().
void go_ahead(Session& session, std::size_t recipients) {
    begin(session, transaction_to(recipients), kPipelining);
    session.say();
    std::string replies = "250 ok\r\n";
    for (std::size_t i = 0; i < recipients; ++i) replies += "250 ok\r\n";
    EXPECT_EQ(session.hear(replies + "354 go\r\n"), "send content");
}

// S-006
TEST(SmtpTransaction, GoesInOneGroupWithPipelining) {
    Session session(smtp_settings());
    begin(session, transaction_to(2), kPipelining);
    EXPECT_EQ(session.say(),
              "MAIL FROM:<s@a.example>\r\nRCPT TO:<r1@b.example>\r\nRCPT TO:<r2@b.example>\r\n"
              "DATA\r\n");
}

// S-006
TEST(SmtpTransaction, GoesInLockstepWithout) {
    Session session(smtp_settings());
    begin(session, transaction_to(2));
    EXPECT_EQ(session.dialogue.phase(), Phase::mail);
    EXPECT_EQ(session.say(), kMail);
    session.hear("250 ok\r\n");
    EXPECT_EQ(session.dialogue.phase(), Phase::rcpt);
    EXPECT_EQ(session.say(), "RCPT TO:<r1@b.example>\r\n");
    session.hear("250 ok\r\n");
    EXPECT_EQ(session.say(), "RCPT TO:<r2@b.example>\r\n");
    session.hear("550 no\r\n");
    EXPECT_EQ(session.dialogue.phase(), Phase::data);
    EXPECT_EQ(session.say(), "DATA\r\n");
    EXPECT_EQ(session.hear("354 go\r\n"), "send content");
    EXPECT_EQ(session.say(), "Subject: x\r\n\r\n..dot\r\n.\r\n");
    EXPECT_EQ(session.dialogue.phase(), Phase::final_dot);
    EXPECT_EQ(session.hear("250 2.0.0 queued as 7\r\n"), "done: content 250, rcpt 550\nready");
    const auto& done = std::get<TransactionDone>(session.events[session.events.size() - 2]);
    EXPECT_EQ(done.results[0].reply->text, "queued as 7");
}

/// A whole session, in turns: what the client says, and what the server answers.
struct Turn {
    std::string_view client;
    std::string_view server;
};

void expect_the_same_at_every_split(const Settings& settings, std::size_t recipients,
                                    const std::vector<Turn>& turns, std::string_view outcome) {
    std::size_t length = 0;
    for (const Turn& turn : turns) length += turn.server.size();
    // The last round gives every octet alone.
    for (std::size_t split = 0; split <= length; ++split) {
        const bool is_single = split == length;
        Session session(settings);
        session.transactions.push_back(transaction_to(recipients));
        std::string events;
        std::size_t position = 0;
        const auto hear = [&](std::string_view bytes) {
            const std::string heard = session.hear(bytes);
            if (!heard.empty()) events += heard + "\n";
        };
        for (const Turn& turn : turns) {
            ASSERT_EQ(session.say(), turn.client) << "split at " << split;
            for (std::size_t i = 0; is_single && i < turn.server.size(); ++i) {
                hear(turn.server.substr(i, 1));
            }
            if (!is_single && split >= position && split < position + turn.server.size()) {
                hear(turn.server.substr(0, split - position));
                hear(turn.server.substr(split - position));
            } else if (!is_single) {
                hear(turn.server);
            }
            position += turn.server.size();
        }
        ASSERT_EQ(events, outcome) << "split at " << split;
    }
}

TEST(SmtpTransaction, SmtpSessionGoesTheSameAtEverySplit) {
    expect_the_same_at_every_split(
        smtp_settings(), 2,
        {{"", "220-mx\r\n220 hello\r\n"},
         {"EHLO me.example\r\n", "250-mx\r\n250-SIZE 100\r\n250 8BITMIME\r\n"},
         {"MAIL FROM:<s@a.example> SIZE=0\r\n", "250 2.1.0 ok\r\n"},
         {"RCPT TO:<r1@b.example>\r\n", "550-5.1.1 no\r\n550 5.1.1 never\r\n"},
         {"RCPT TO:<r2@b.example>\r\n", "250\r\n"},
         {"DATA\r\n", "354\r\n"},
         {"Subject: x\r\n\r\n..dot\r\n.\r\n", "250-\r\n250 ok\r\n"},
         {"", "421 enough\r\n"}},
        "ready\nsend content\ndone: rcpt 550, content 250\nready\nfailed: busy\n");
}

TEST(SmtpTransaction, LmtpSessionGoesTheSameAtEverySplit) {
    expect_the_same_at_every_split(
        lmtp_settings(), 3,
        {{"", "220 lmtp\r\n"},
         {"LHLO me.example\r\n", "250-lmtp\r\n250 PIPELINING\r\n"},
         {"MAIL FROM:<s@a.example>\r\nRCPT TO:<r1@b.example>\r\nRCPT TO:<r2@b.example>\r\n"
          "RCPT TO:<r3@b.example>\r\nDATA\r\n",
          "250 ok\r\n250 ok\r\n550 no\r\n250 ok\r\n354 go\r\n"},
         {"Subject: x\r\n\r\n..dot\r\n.\r\n", "452 4.2.2 full\r\n250 2.0.0 ok\r\n"},
         {"", "250 unasked\r\n"}},
        "ready\nsend content\ndone: content 452, rcpt 550, content 250\nready\n"
        "failed: protocol\n");
}

TEST(SmtpTransaction, LargeEnvelopeGoesInSeveralGroups) {
    Session session(smtp_settings());
    begin(session, transaction_to(2 * kMaxGroup + 1), kPipelining);
    std::vector<std::size_t> groups;
    std::string events;
    for (std::string said = session.say(); !said.empty(); said = session.say()) {
        std::size_t rcpts = 0;
        for (std::size_t at = said.find("RCPT"); at != std::string::npos;
             at = said.find("RCPT", at + 1)) {
            ++rcpts;
        }
        groups.push_back(rcpts);
        const bool is_first = said.starts_with("MAIL");
        const bool is_last = said.ends_with("DATA\r\n");
        EXPECT_EQ(is_first, groups.size() == 1);
        EXPECT_EQ(is_last, groups.size() == 3);
        EXPECT_EQ(said.find("DATA"), is_last ? said.size() - 6 : std::string::npos);
        std::string replies;
        for (std::size_t i = 0; i < rcpts + (is_first ? 1 : 0); ++i) replies += "250 ok\r\n";
        if (is_last) replies += "354 go\r\n";
        events += session.hear(replies);
        if (is_last) break;
    }
    EXPECT_EQ(groups, (std::vector<std::size_t>{kMaxGroup, kMaxGroup, 1}));
    EXPECT_EQ(events, "send content");
}

TEST(SmtpTransaction, GroupStaysUnder16KiBWithTheLongestAddresses) {
    const std::string local(64, 'l');
    std::string domain(63, 'd');
    while (domain.size() < 254 - 64 - 1) domain += domain.size() % 64 == 63 ? '.' : 'd';
    Transaction transaction = transaction_to(1);
    transaction.envelope.sender = address(local + "@" + domain);
    transaction.envelope.recipients.assign(kMaxGroup, *transaction.envelope.sender);
    transaction.size = UINT64_MAX;
    transaction.has_8bit = true;
    Session session(smtp_settings());
    begin(session, transaction, "250-mx\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE\r\n");
    const std::string group = session.say();
    EXPECT_TRUE(group.ends_with("DATA\r\n"));
    EXPECT_LT(group.size(), 16U * 1024);
}

TEST(SmtpTransaction, RefusedSenderEndsALargeEnvelopeAfterItsFirstGroup) {
    Session session(smtp_settings());
    begin(session, transaction_to(kMaxGroup + 1), kPipelining);
    session.say();
    std::string replies = "550 no\r\n";
    for (std::size_t i = 0; i < kMaxGroup; ++i) replies += "503 order\r\n";
    session.hear(replies);
    EXPECT_EQ(session.say(), "");
    const auto& done = std::get<TransactionDone>(session.events[session.events.size() - 2]);
    ASSERT_EQ(done.results.size(), kMaxGroup + 1);
    for (const auto& result : done.results) EXPECT_EQ(told(result), "mail 550");
}

TEST(SmtpTransaction, RcptTakenDespiteARefusedSenderDeliversNothing) {
    Session session(smtp_settings());
    begin(session, transaction_to(2), kPipelining);
    session.say();
    EXPECT_EQ(session.hear("550 no\r\n250 ok\r\n250 ok\r\n354 go\r\n"), "");
    EXPECT_EQ(session.say(), ".\r\n");
    EXPECT_EQ(session.hear("250 delivered\r\n"), "");
    EXPECT_EQ(session.say(), "RSET\r\n");
    EXPECT_EQ(session.hear("250 ok\r\n"), "done: mail 550, mail 550\nready");
}

// S-006
TEST(SmtpTransaction, GoAheadForNobodyIsAnsweredWithALoneDot) {
    for (const auto* answer : {"250 ok\r\n", "554 no valid recipients\r\n", "451 later\r\n"}) {
        Session session(smtp_settings());
        begin(session, transaction_to(2), kPipelining);
        session.say();
        EXPECT_EQ(session.hear("250 ok\r\n550 no\r\n452 later\r\n354 go\r\n"), "");
        EXPECT_EQ(session.say(), ".\r\n");
        EXPECT_EQ(session.dialogue.phase(), Phase::final_dot);
        EXPECT_EQ(session.hear(answer), "");
        EXPECT_EQ(session.say(), "RSET\r\n");
        EXPECT_EQ(session.hear("250 ok\r\n"), "done: rcpt 550, rcpt 452\nready");
    }
}

TEST(SmtpTransaction, GoAheadForNobodyEndsAnLmtpSession) {
    Session session(lmtp_settings());
    begin(session, transaction_to(1), kPipelining);
    session.say();
    EXPECT_EQ(session.hear("250 ok\r\n550 no\r\n354 go\r\n"), "done: rcpt 550; unusable");
    EXPECT_EQ(session.say(), "");
    EXPECT_EQ(session.dialogue.phase(), Phase::over);
}

TEST(SmtpTransaction, ContentIsStuffedAcrossPieces) {
    Session session(smtp_settings());
    session.content = "";
    session.ends_content = false;
    go_ahead(session, 1);
    EXPECT_EQ(session.dialogue.phase(), Phase::content);
    session.dialogue.send_content("a\r\n");
    EXPECT_EQ(session.say(), "a\r\n");
    session.dialogue.send_content(".b");
    session.dialogue.send_content(".\r\n");
    EXPECT_EQ(session.say(), "..b.\r\n");
    session.dialogue.end_content();
    EXPECT_EQ(session.say(), ".\r\n");
}

TEST(SmtpTransaction, StuffingStartsAfreshWithEachMessage) {
    Session session(smtp_settings());
    session.content = "no line end";
    go_ahead(session, 1);
    EXPECT_EQ(session.say(), "no line end\r\n.\r\n");
    session.content = ".";
    session.transactions.push_back(transaction_to(1));
    session.hear("250 ok\r\n");
    session.say();
    session.hear("250 ok\r\n250 ok\r\n354 go\r\n");
    EXPECT_EQ(session.say(), "..\r\n.\r\n");
}

TEST(SmtpTransaction, MessageBeyondTheServersSizeIsNotSent) {
    Transaction transaction = transaction_to(2);
    transaction.size = 1001;
    Session session(smtp_settings());
    begin(session, transaction, "250-mx\r\n250 SIZE 1000\r\n");
    EXPECT_EQ(session.say(), "");
    EXPECT_EQ(told(session.events[1]), "done: mail 552, mail 552");
    EXPECT_EQ(told(session.events[2]), "ready");
    const auto& reply = std::get<TransactionDone>(session.events[1]).results[0].reply;
    EXPECT_EQ(reply->enhanced, "5.3.4");
    EXPECT_EQ(reply->text, "message of 1001 octets exceeds the destination's limit of 1000");

    transaction.size = 1000;
    Session fitting(smtp_settings());
    begin(fitting, transaction, "250-mx\r\n250 SIZE 1000\r\n");
    EXPECT_EQ(fitting.say(), "MAIL FROM:<s@a.example> SIZE=1000\r\n");
}

TEST(SmtpTransaction, RecipientBeyondAsciiIsNotNamedToAServerWithoutSmtpUtf8) {
    Transaction transaction = transaction_to(2);
    transaction.envelope.recipients[0] = address("j\xc3\xbcrg@b.example");
    Session session(smtp_settings());
    begin(session, transaction, kPipelining);
    EXPECT_EQ(session.say(), std::string(kMail) + "RCPT TO:<r2@b.example>\r\nDATA\r\n");
    EXPECT_EQ(session.hear("250 ok\r\n250 ok\r\n354 go\r\n"), "send content");
    session.say();
    EXPECT_EQ(session.hear("250 ok\r\n"), "done: rcpt 553, content 250\nready");

    transaction.envelope.recipients.pop_back();
    Session alone(smtp_settings());
    begin(alone, transaction);
    EXPECT_EQ(alone.say(), "");
    EXPECT_EQ(told(alone.events[1]), "done: rcpt 553");
}

TEST(SmtpTransaction, SenderBeyondAsciiBecomesTheNullSenderWithoutSmtpUtf8) {
    Transaction transaction = transaction_to(1);
    transaction.envelope.sender = address("j\xc3\xbcrg@a.example");
    Session session(smtp_settings());
    begin(session, transaction);
    EXPECT_EQ(session.say(), "MAIL FROM:<>\r\n");
    Session capable(smtp_settings());
    begin(capable, transaction, "250-mx\r\n250 SMTPUTF8\r\n");
    EXPECT_EQ(capable.say(), "MAIL FROM:<j\xc3\xbcrg@a.example> SMTPUTF8\r\n");
}

// S-013
TEST(SmtpTransaction, ADomainBeyondAsciiGoesInItsAsciiFormWithoutSmtpUtf8) {
    Transaction transaction = transaction_to(1);
    transaction.envelope.sender = address("ann@b\u00fccher.example");
    transaction.envelope.recipients = {address("bob@b\u00fccher.example")};
    Session session(smtp_settings());
    begin(session, transaction, kPipelining);
    EXPECT_EQ(session.say(),
              "MAIL FROM:<ann@xn--bcher-kva.example>\r\nRCPT TO:<bob@xn--bcher-kva.example>\r\n"
              "DATA\r\n");
    Session capable(smtp_settings());
    begin(capable, transaction, "250-mx\r\n250 SMTPUTF8\r\n");
    EXPECT_EQ(capable.say(), "MAIL FROM:<ann@b\u00fccher.example> SMTPUTF8\r\n");
}

// S-031
TEST(SmtpTransaction, RefusalDuringTheContentIsTheOutcome) {
    for (const std::string code : {"451", "552"}) {
        Session session(smtp_settings());
        session.ends_content = false;
        go_ahead(session, 2);
        session.say();
        EXPECT_EQ(session.hear(code + " too big\r\n"),
                  fmt::format("done: content {0}, content {0}; unusable", code));
        EXPECT_EQ(session.dialogue.phase(), Phase::over);
    }
}

TEST(SmtpTransaction, RefusalBehindTheGoAheadIsTheOutcome) {
    Session session(smtp_settings());
    begin(session, transaction_to(1), kPipelining);
    session.say();
    EXPECT_EQ(session.hear("250 ok\r\n250 ok\r\n354 go\r\n552 too big\r\n"),
              "send content\ndone: content 552; unusable");
    EXPECT_EQ(session.say(), "") << "neither content nor dot";
}

TEST(SmtpTransaction, RefusalThatBeganBeforeTheDotIsTheOutcome) {
    Session session(lmtp_settings());
    session.ends_content = false;
    go_ahead(session, 2);
    session.say();
    EXPECT_EQ(session.hear("552 too"), "");
    session.dialogue.end_content();
    session.say();
    EXPECT_EQ(session.hear(" big\r\n"), "done: content 552, content 552; unusable");
}

TEST(SmtpTransaction, FarewellDuringTheContentIsTheOutcome) {
    Session session(smtp_settings());
    session.ends_content = false;
    go_ahead(session, 2);
    session.say();
    EXPECT_EQ(session.hear("421 4.3.2 bye\r\n"), "failed: busy: content 421, content 421");
}

TEST(SmtpTransaction, AcceptanceBeforeTheDotIsNone) {
    Session session(smtp_settings());
    session.ends_content = false;
    go_ahead(session, 1);
    session.say();
    EXPECT_EQ(session.hear("250 ok\r\n"), "failed: protocol: content unanswered");

    Session unsent(smtp_settings());
    go_ahead(unsent, 1);
    EXPECT_EQ(unsent.hear("250 ok\r\n"), "failed: protocol: content unanswered");
    EXPECT_EQ(unsent.say(), "");

    Session begun(smtp_settings());
    begun.ends_content = false;
    go_ahead(begun, 1);
    EXPECT_EQ(begun.hear("250"), "");
    begun.dialogue.end_content();
    begun.say();
    EXPECT_EQ(begun.hear(" ok\r\n"), "failed: protocol: content in doubt");
}

TEST(SmtpTransaction, LmtpAnswersThatAreMissingLeaveTheRestInDoubt) {
    for (std::size_t answered = 0; answered < 3; ++answered) {
        Session session(lmtp_settings());
        go_ahead(session, 3);
        session.say();
        for (std::size_t i = 0; i < answered; ++i) EXPECT_EQ(session.hear("250 ok\r\n"), "");
        const std::string known[] = {"content in doubt, content in doubt, content in doubt",
                                     "content 250, content in doubt, content in doubt",
                                     "content 250, content 250, content in doubt"};
        EXPECT_EQ(told(session.dialogue.abandoned()), known[answered]);
        EXPECT_EQ(session.dialogue.phase(), Phase::over);
    }
}

TEST(SmtpTransaction, AnswersInDisorderEndTheSessionWithWhatIsKnown) {
    Session session(lmtp_settings());
    go_ahead(session, 3);
    session.say();
    EXPECT_EQ(session.hear("250 ok\r\n354 what\r\n"),
              "failed: protocol: content 250, content in doubt, content in doubt");
    Session garbled(lmtp_settings());
    go_ahead(garbled, 2);
    garbled.say();
    EXPECT_EQ(garbled.hear("250 ok\r\n250-a\r\n550 b\r\n"),
              "failed: protocol: content 250, content in doubt");
}

// S-005
TEST(SmtpTransaction, OneAnswerTooManyEndsTheSessionAfterTheOutcome) {
    for (const auto& settings : {smtp_settings(), lmtp_settings()}) {
        Session session(settings);
        go_ahead(session, 1);
        session.say();
        EXPECT_EQ(session.hear("250 ok\r\n550 no\r\n"), "done: content 250\nfailed: protocol");
    }
}

TEST(SmtpTransaction, OneAnswerTooManyInTheEnvelopeDeliversNothing) {
    Session session(smtp_settings());
    begin(session, transaction_to(1), kPipelining);
    session.say();
    EXPECT_EQ(session.hear("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"),
              "failed: protocol: data unanswered");
    Session ahead(smtp_settings());
    begin(ahead, transaction_to(1));
    ahead.say();
    EXPECT_EQ(ahead.hear("250 ok\r\n250 ok\r\n"), "failed: protocol: rcpt unanswered");
}

TEST(SmtpTransaction, RepliesOutOfPlaceEndTheSession) {
    Session mail(smtp_settings());
    begin(mail, transaction_to(1));
    mail.say();
    EXPECT_EQ(mail.hear("354 go\r\n"), "failed: protocol: mail unanswered");
    Session rcpt(smtp_settings());
    begin(rcpt, transaction_to(1), kPipelining);
    rcpt.say();
    EXPECT_EQ(rcpt.hear("250 ok\r\n354 go\r\n"), "failed: protocol: rcpt unanswered");
    Session data(smtp_settings());
    begin(data, transaction_to(1), kPipelining);
    data.say();
    EXPECT_EQ(data.hear("250 ok\r\n250 ok\r\n250 ok\r\n"), "failed: protocol: data unanswered");
}

TEST(SmtpTransaction, AbandonedTellsHowFarItWent) {
    Session mail(smtp_settings());
    begin(mail, transaction_to(2), kPipelining);
    mail.say();
    EXPECT_EQ(told(mail.dialogue.abandoned()), "mail unanswered, mail unanswered");

    Session rcpt(smtp_settings());
    begin(rcpt, transaction_to(2), kPipelining);
    rcpt.say();
    rcpt.hear("250 ok\r\n550 no\r\n");
    EXPECT_EQ(told(rcpt.dialogue.abandoned()), "rcpt 550, rcpt unanswered");

    Session content(smtp_settings());
    content.ends_content = false;
    go_ahead(content, 1);
    EXPECT_EQ(told(content.dialogue.abandoned()), "content unanswered");

    Session unsent(smtp_settings());
    go_ahead(unsent, 1);
    EXPECT_EQ(told(unsent.dialogue.abandoned()), "content unanswered") << "the dot is not out";

    Session dot(smtp_settings());
    go_ahead(dot, 1);
    dot.say();
    EXPECT_EQ(told(dot.dialogue.abandoned()), "content in doubt");
    EXPECT_TRUE(dot.dialogue.abandoned().empty()) << "told once";
}

TEST(SmtpTransaction, AbandonedInTheResetKnowsAll) {
    Session session(smtp_settings());
    begin(session, transaction_to(1), kPipelining);
    session.say();
    session.hear("250 ok\r\n550 no\r\n503 order\r\n");
    EXPECT_EQ(session.say(), "RSET\r\n");
    EXPECT_EQ(session.dialogue.phase(), Phase::mail);
    EXPECT_EQ(told(session.dialogue.abandoned()), "rcpt 550");
}

}  // namespace
}  // namespace postrider::smtp
