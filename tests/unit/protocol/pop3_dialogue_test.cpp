#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include <gtest/gtest.h>

#include "postrider/protocol/pop3/dialogue.h"

#include "pop3_script.h"

namespace postrider::pop3 {
namespace {

TEST(Pop3Dialogue, GoesFromTheGreetingToTheReplyOfQuit) {
    expect_same_at_every_split(settings(), [](Script& s) {
        s.server("+OK ready\r\n");
        EXPECT_EQ(s.sent(), "CAPA\r\n");
        s.server("+OK Capability list follows\r\nSASL PLAIN\r\nUSER\r\n.\r\n");
        EXPECT_EQ(s.sent(), kPlainOut);
        s.server("+OK welcome\r\n");
        EXPECT_EQ(s.sent(), "CAPA\r\n");
        s.server("+OK\r\nPIPELINING\r\nEXPIRE 0\r\n.\r\n");
        EXPECT_TRUE(s.dialogue().capabilities().pipelining);
        EXPECT_EQ(s.dialogue().capabilities().expire_days, 0U);
        s.dialogue().list();
        EXPECT_EQ(s.sent(), "UIDL\r\nLIST\r\n");
        s.server("+OK\r\n2 b\r\n1 a\r\n.\r\n");
        s.server("+OK 2 messages\r\n1 10\r\n2 20\r\n3 30\r\n.\r\n");
        s.dialogue().retr(1);
        s.dialogue().retr(2);
        s.dialogue().dele(1);
        s.dialogue().noop();
        EXPECT_EQ(s.dialogue().outstanding(), 4U);
        EXPECT_EQ(s.sent(), "RETR 1\r\nRETR 2\r\nDELE 1\r\nNOOP\r\n");
        s.server("+OK\r\nA: b\r\n\r\n..\r\nx\n.\ny\r\n.\r\n+OK\r\n.\r\n+OK\r\n+OK\r\n");
        s.dialogue().quit();
        EXPECT_EQ(s.dialogue().outstanding(), 1U);
        EXPECT_EQ(s.sent(), "QUIT\r\n");
        s.server("+OK bye\r\n");
        EXPECT_EQ(s.dialogue().phase(), Phase::over);
        EXPECT_EQ(s.sent(), "");
    });
}

TEST(Pop3Dialogue, ReportsWhatWasReadInOrder) {
    Script s = logged_in();
    s.dialogue().list();
    s.dialogue().retr(1);
    s.dialogue().retr(2);
    s.dialogue().dele(1);
    s.dialogue().noop();
    EXPECT_EQ(s.sent(), "UIDL\r\nLIST\r\nRETR 1\r\nRETR 2\r\nDELE 1\r\nNOOP\r\n");
    s.server(
        "+OK\r\n2 b\r\n1 a\r\n.\r\n+OK 2 messages\r\n1 10\r\n2 20\r\n.\r\n"
        "+OK\r\nA\r\n..\r\nx\n.\ny\r\n.\r\n+OK\r\n.\r\n+OK\r\n+OK\r\n");
    EXPECT_EQ(s.events(),
              "[list 1:a:10 2:b:20][message 1 A\\x0d\\x0a.\\x0d\\x0ax\\x0a.\\x0ay\\x0d\\x0a]"
              "[message 2 ][deleted 1][noop]");
}

TEST(Pop3Dialogue, GoesOnWithoutCapaAndInLockstep) {
    expect_same_at_every_split(settings(), [](Script& s) {
        s.server("+OK\r\n");
        EXPECT_EQ(s.sent(), "CAPA\r\n");
        s.server("-ERR what\r\n");
        EXPECT_EQ(s.sent(), "USER alice\r\n");
        s.server("+OK\r\n");
        EXPECT_EQ(s.sent(), "PASS c4n4ry\r\n");
        s.server("+OK\r\n");
        EXPECT_EQ(s.sent(), "CAPA\r\n");
        s.server("-ERR what\r\n");
        EXPECT_FALSE(s.dialogue().capabilities().known);
        s.dialogue().list();
        EXPECT_EQ(s.sent(), "UIDL\r\n");
        s.server("+OK\r\n1 a\r\n.\r\n");
        EXPECT_EQ(s.sent(), "LIST\r\n");
        s.server("+OK\r\n1 1\r\n.\r\n");
        s.dialogue().retr(1);
        s.dialogue().dele(1);
        s.dialogue().quit();
        EXPECT_EQ(s.dialogue().outstanding(), 3U);
        EXPECT_EQ(s.sent(), "RETR 1\r\n");
        s.server("-ERR no such message\r\n");
        EXPECT_EQ(s.sent(), "DELE 1\r\n");
        s.server("-ERR no\r\n");
        EXPECT_EQ(s.sent(), "QUIT\r\n");
        s.server("-ERR some deleted messages not removed\r\n");
    });
}

// P-006
TEST(Pop3Dialogue, RejectsBytesThatNothingAskedFor) {
    Script idle = logged_in();
    idle.server("+OK\r\n");
    EXPECT_EQ(idle.events(), "[failed protocol]");

    Script queued = logged_in("");
    queued.dialogue().noop();
    queued.dialogue().noop();
    EXPECT_EQ(queued.sent(), "NOOP\r\n");
    queued.server("+OK\r\n+OK\r\n");
    EXPECT_EQ(queued.events(), "[failed protocol]");

    Script behind = logged_in();
    behind.dialogue().dele(1);
    (void)behind.sent();
    behind.server("+OK\r\n");
    behind.server("x");
    EXPECT_EQ(behind.events(), "[deleted 1][failed protocol]");
    EXPECT_EQ(behind.error().retry, Retry::later);
}

// P-006: a reply in doubt is not reported.
TEST(Pop3Dialogue, BelievesNoReplyThatHasGarbageBehindIt) {
    Script dele = logged_in();
    dele.dialogue().dele(1);
    (void)dele.sent();
    dele.server("+OK\r\n+OK\r\n");
    EXPECT_EQ(dele.events(), "[failed protocol]");

    Script quit = logged_in();
    quit.dialogue().quit();
    (void)quit.sent();
    quit.server("+OK\r\n+OK\r\n");
    EXPECT_EQ(quit.events(), "[failed protocol]");

    Script list = logged_in();
    list.dialogue().list();
    (void)list.sent();
    list.server("+OK\r\n.\r\n+OK\r\n.\r\n.\r\n");
    EXPECT_EQ(list.events(), "[failed protocol]");
}

// P-005: a server that does not stuff ends a message early; the rest shows it.
TEST(Pop3Dialogue, FindsAMessageThatEndedEarly) {
    for (const bool is_pipelined : {false, true}) {
        Script s = logged_in(is_pipelined ? "PIPELINING\r\n" : "");
        s.dialogue().retr(1);
        s.dialogue().retr(2);
        (void)s.sent();
        s.server("+OK\r\na\r\n.\r\nthe rest of message 1\r\n.\r\n");
        EXPECT_EQ(s.events(), "[failed protocol]");
        EXPECT_EQ(s.sent(), "");
    }
}

// P-006
TEST(Pop3Dialogue, FailsWhereAStatusLineIsSomethingElse) {
    for (const char* line : {"OK\r\n", "\r\n", " +OK\r\n", "+ \r\n", "+OKAY\r\n", "From: x\r\n"}) {
        Script s = logged_in();
        s.dialogue().retr(3);
        s.dialogue().quit();
        (void)s.sent();
        s.server(line);
        EXPECT_EQ(s.events(), "[failed protocol]") << line;
        EXPECT_NE(s.error().text.find("RETR 3"), std::string::npos);
        EXPECT_EQ(s.sent(), "");
        EXPECT_EQ(s.dialogue().phase(), Phase::over);
    }
}

TEST(Pop3Dialogue, IsSilentAndDeafAfterAFailure) {
    Script s = logged_in();
    s.server("x");
    EXPECT_EQ(s.events(), "[failed protocol]");
    s.dialogue().retr(1);
    s.dialogue().quit();
    s.server("+OK\r\nmore\r\n.\r\n");
    EXPECT_EQ(s.events(), "");
    EXPECT_EQ(s.sent(), "");
}

TEST(Pop3Dialogue, RejectsWhatComesAfterQuit) {
    Script s = logged_in();
    s.dialogue().quit();
    (void)s.sent();
    s.server("+OK\r\n");
    s.server("+OK\r\n");
    EXPECT_EQ(s.events(), "[quit][failed protocol]");
}

// P-031
TEST(Pop3Dialogue, ReportsTheOutcomeOfQuit) {
    Script s = logged_in();
    s.dialogue().quit();
    EXPECT_EQ(s.sent(), "QUIT\r\n");
    EXPECT_EQ(s.dialogue().phase(), Phase::quit);
    s.server("-ERR some deleted messages not removed\r\n");
    EXPECT_EQ(s.events(), "[quit refused]");
    EXPECT_NE(s.error().text.find("not removed"), std::string::npos);
    EXPECT_EQ(s.dialogue().phase(), Phase::over);
}

// P-022: however many replies are due, QUIT waits for the last of them.
TEST(Pop3Dialogue, SendsQuitOnlyAfterEveryReply) {
    constexpr std::uint32_t kMessages = 250;
    Script s = logged_in();
    for (std::uint32_t i = 1; i <= kMessages; ++i) {
        s.dialogue().dele(i);
    }
    s.dialogue().quit();
    std::string sent = s.sent();
    EXPECT_EQ(std::count(sent.begin(), sent.end(), '\n'), kWindowFull);
    for (std::uint32_t i = 1; i < kMessages; ++i) {
        s.server("+OK\r\n");
        sent += s.sent();
        ASSERT_EQ(sent.find("QUIT"), std::string::npos) << i;
        ASSERT_LE(static_cast<std::uint32_t>(std::count(sent.begin(), sent.end(), '\n')) - i,
                  kWindowFull);
    }
    EXPECT_EQ(s.dialogue().outstanding(), 2U);
    EXPECT_EQ(s.dialogue().phase(), Phase::transaction);
    s.server("+OK\r\n");
    EXPECT_EQ(s.sent(), "QUIT\r\n");
}

// P-034
TEST(Pop3Dialogue, ListsSizesAloneWhereUidlIsNotKnown) {
    Script s = logged_in();
    s.dialogue().list();
    (void)s.sent();
    s.server("-ERR unknown command\r\n+OK\r\n2 7\r\n1 5\r\n.\r\n");
    EXPECT_EQ(s.events(), "[list without uids 1::5 2::7]");
    s.dialogue().list();
    (void)s.sent();
    s.server("-ERR unknown command\r\n+OK\r\n2 7\r\n2 5\r\n.\r\n");
    EXPECT_EQ(s.events(), "[failed protocol]");
}

TEST(Pop3Dialogue, AServerThatListsUidlInCapaAndRefusesItHasUids) {
    Script s = logged_in("UIDL\r\n");
    s.dialogue().list();
    (void)s.sent();
    s.server("-ERR out of memory\r\n");
    EXPECT_EQ(s.sent(), "LIST\r\n");
    s.server("+OK\r\n1 5\r\n.\r\n");
    EXPECT_EQ(s.events(), "[failed refused]");
    EXPECT_NE(s.error().text.find("UIDL"), std::string::npos);

    Script busy = logged_in();
    busy.dialogue().list();
    (void)busy.sent();
    busy.server("-ERR [SYS/TEMP] later\r\n");
    EXPECT_EQ(busy.events(), "[failed busy]");

    Script list = logged_in("");
    list.dialogue().list();
    EXPECT_EQ(list.sent(), "UIDL\r\n");
    list.server("+OK\r\n.\r\n");
    EXPECT_EQ(list.sent(), "LIST\r\n");
    list.server("-ERR no\r\n");
    EXPECT_EQ(list.sent(), "STAT\r\n");
    list.server("+OK 1 5\r\n");
    EXPECT_EQ(list.events(), "[failed refused]");
    EXPECT_NE(list.error().text.find("LIST"), std::string::npos);
}

// P-017
TEST(Pop3Dialogue, AServerThatRefusesToListNothingHasAnEmptyMailbox) {
    for (const char* capa : {"", "UIDL\r\n", "UIDL\r\nPIPELINING\r\n"}) {
        expect_same_at_every_split(settings(), [capa](Script& s) {
            log_in(s, capa);
            s.dialogue().list();
            (void)s.sent();
            s.server("-ERR no messages\r\n");
            (void)s.sent();
            s.server("-ERR no messages\r\n");
            EXPECT_EQ(s.sent(), "STAT\r\n");
            s.server("+OK 0 0\r\n");
        });
        Script s = logged_in(capa);
        s.dialogue().list();
        (void)s.sent();
        s.server("-ERR no messages\r\n");
        (void)s.sent();
        s.server("+OK\r\n.\r\n");
        EXPECT_EQ(s.events(), *capa == '\0' ? "[list without uids]" : "[list]");
        EXPECT_EQ(s.dialogue().outstanding(), 0U);
    }
    for (const char* stat : {"-ERR no\r\n", "+OK\r\n", "+OK 00 0\r\n", "+OK none\r\n"}) {
        Script s = logged_in();
        s.dialogue().list();
        (void)s.sent();
        s.server("+OK\r\n.\r\n");
        (void)s.sent();
        s.server("-ERR no messages\r\n");
        (void)s.sent();
        s.server(stat);
        EXPECT_EQ(s.events(), "[failed refused]") << stat;
    }
}

// P-018
TEST(Pop3Dialogue, FailsOnABotchedListing) {
    for (const char* reply :
         {"+OK\r\n1 a\r\n1 b\r\n.\r\n+OK\r\n1 1\r\n.\r\n", "+OK\r\n0 a\r\n.\r\n+OK\r\n.\r\n",
          "+OK\r\nfrom\x1b x\r\n.\r\n", "+OK\r\n.\r\n+OK\r\n1\r\n.\r\n"}) {
        Script s = logged_in();
        s.dialogue().list();
        (void)s.sent();
        s.server(reply);
        EXPECT_EQ(s.events(), "[failed protocol]") << reply;
        EXPECT_EQ(s.error().text.find('\x1b'), std::string::npos);
    }
}

TEST(Pop3Dialogue, CanListAgain) {
    Script s = logged_in();
    for (const char* uid : {"a", "b"}) {
        s.dialogue().list();
        (void)s.sent();
        s.server("+OK\r\n1 " + std::string(uid) + "\r\n.\r\n+OK\r\n1 7\r\n.\r\n");
        EXPECT_EQ(s.events(), "[list 1:" + std::string(uid) + ":7]");
    }
}

// P-024: sizes frame nothing.
TEST(Pop3Dialogue, PaysNoHeedToSizes) {
    Script s = logged_in();
    s.dialogue().retr(1);
    (void)s.sent();
    s.server("+OK 1 octets\r\nmore than one\r\n.\r\n");
    EXPECT_EQ(s.events(), "[message 1 more than one\\x0d\\x0a]");
}

TEST(Pop3Dialogue, GoesOnAfterARefusedMessage) {
    Script s = logged_in();
    s.dialogue().retr(1);
    s.dialogue().retr(2);
    s.dialogue().dele(2);
    s.dialogue().noop();
    (void)s.sent();
    s.server("-ERR [SYS/TEMP] x\r\n-ERR no\r\n-ERR no\r\n-ERR no\r\n");
    EXPECT_EQ(s.events(), "[no message 1 busy][no message 2 refused][not deleted 2 refused][noop]");
    EXPECT_EQ(s.error().retry, Retry::later);
}

// P-003, P-017, P-019, A-010: one octet over, in each place.
TEST(Pop3Dialogue, EndsTheSessionOneOctetOverALimit) {
    const auto reply_line = [](std::size_t size) {
        return "+OK " + std::string(size - 4, 'x') + "\r\n";
    };
    Script greeting(settings());
    greeting.server(reply_line(kMaxReplyLine));
    EXPECT_EQ(greeting.sent(), "CAPA\r\n");
    greeting.server(reply_line(kMaxReplyLine + 1));
    EXPECT_EQ(greeting.events(), "[failed limit]");

    Script capa(settings());
    capa.server("+OK\r\n");
    capa.server("+OK\r\n" + std::string(kMaxReplyLine + 1, 'x') + "\r\n");
    EXPECT_EQ(capa.events(), "[failed limit]");

    std::string lines;
    for (std::size_t i = 0; i <= kMaxCapaLines; ++i) {
        lines += "X\r\n";
    }
    Script many(settings());
    many.server("+OK\r\n");
    many.server("+OK\r\n" + lines + ".\r\n");
    EXPECT_EQ(many.events(), "[failed limit]");

    for (const std::string& line :
         {"1 " + std::string(kMaxUid + 1, 'u'), "1" + std::string(kMaxListLine, ' '),
          std::string("1000001 u")}) {
        Script uidl = logged_in();
        uidl.dialogue().list();
        (void)uidl.sent();
        uidl.server("+OK\r\n" + line + "\r\n.\r\n");
        EXPECT_EQ(uidl.events(), "[failed limit]") << line.substr(0, 20);
    }
    Script blanks = logged_in();
    blanks.dialogue().list();
    (void)blanks.sent();
    blanks.server("+OK\r\n1 " + std::string(kMaxListLine - 3, ' ') + "u\r\n.\r\n+OK\r\n1" +
                  std::string(kMaxListLine, ' '));
    EXPECT_EQ(blanks.events(), "[failed limit]");

    Script retr = logged_in();
    retr.dialogue().retr(1);
    (void)retr.sent();
    retr.server(std::string(kMaxReplyLine + 1, '+'));
    EXPECT_EQ(retr.events(), "[failed limit]");
}

// P-003: a line of a message has no limit, and none of it is kept.
TEST(Pop3Dialogue, StreamsALineOfAnyLength) {
    Script s = logged_in();
    s.dialogue().retr(1);
    (void)s.sent();
    s.server("+OK\r\n");
    const std::string block(1 << 20, 'x');
    std::string_view input = block;
    const Event event = s.dialogue().next(input);
    ASSERT_TRUE(std::holds_alternative<MessagePart>(event));
    EXPECT_EQ(std::get<MessagePart>(event).bytes.data(), block.data());
    EXPECT_EQ(std::get<MessagePart>(event).bytes.size(), block.size());
    EXPECT_TRUE(std::holds_alternative<NeedInput>(s.dialogue().next(input)));
}

// P-004: in that mode only LF.LF is the end.
TEST(Pop3Dialogue, UnderstandsAServerThatEndsEveryLineInLf) {
    Script s(settings());
    s.server("+OK ready\n");
    (void)s.sent();
    s.server("+OK\nSASL PLAIN\n.\n");
    (void)s.sent();
    s.server("+OK\n");
    (void)s.sent();
    s.server("+OK\n.\n");
    EXPECT_EQ(s.events(), "[in]");
    s.dialogue().retr(1);
    (void)s.sent();
    s.server("+OK\nx\r\n.\r\n..y\n.\n");
    EXPECT_EQ(s.events(), "[message 1 x\\x0d\\x0a\\x0d\\x0a.y\\x0a]");
}

// P-004: one CRLF up to the login, and bare LF is a fault for good; and the other way round.
TEST(Pop3Dialogue, AServerMayNotChangeItsLineEnds) {
    Script crlf(settings());
    crlf.server("+OK ready\r\n");
    (void)crlf.sent();
    crlf.server("+OK\n");
    EXPECT_EQ(crlf.events(), "[failed protocol]");
    Script lf(settings());
    lf.server("+OK ready\n");
    (void)lf.sent();
    lf.server("+OK\r\n");
    EXPECT_EQ(lf.events(), "[failed protocol]");
}

// RFC 1939 section 3: lines end in CRLF.
TEST(Pop3Dialogue, TakesNoBareLfForTheEndOfAReply) {
    Script s = logged_in();
    s.dialogue().noop();
    (void)s.sent();
    s.server("+OK\n");
    EXPECT_EQ(s.events(), "[failed protocol]");
}

}  // namespace
}  // namespace postrider::pop3
