#include <string>

#include <gtest/gtest.h>

#include "protocol/pop3/reply.h"

namespace postrider::pop3 {
namespace {

// P-002
TEST(Pop3Reply, KnowsItsStatusIndicators) {
    EXPECT_EQ(parse_reply("+OK").status, Status::ok);
    EXPECT_EQ(parse_reply("+ok ready").status, Status::ok);
    EXPECT_EQ(parse_reply("+Ok\tready").status, Status::ok);
    EXPECT_EQ(parse_reply("-ERR").status, Status::err);
    EXPECT_EQ(parse_reply("-err no").status, Status::err);
    EXPECT_EQ(parse_reply("+").status, Status::challenge);
    EXPECT_EQ(parse_reply("+ ").status, Status::challenge);
    EXPECT_EQ(parse_reply("+ YQ==").status, Status::challenge);
    EXPECT_EQ(parse_reply("+OK  two words ").text, "two words");
    EXPECT_EQ(parse_reply("+ YQ==").text, "YQ==");
}

// P-002
TEST(Pop3Reply, TakesNothingElseForAStatus) {
    for (const char* line : {"", " +OK", "+OKAY", "+OKfoo", "-ERRor", "OK", "+O", "-", "334",
                             "334-", "* OK", "220 hello", "+YQ==", ".", "+OK:"}) {
        EXPECT_EQ(parse_reply(line).status, Status::none) << line;
    }
}

// P-006
TEST(Pop3Reply, TellsWhetherBytesCanBeginAReply) {
    for (const char* bytes : {"", "+", "+O", "+ok", "+OK 1", "-", "-ER", "-err", "-ERR x\r\n"}) {
        EXPECT_TRUE(may_begin_reply(bytes)) << bytes;
    }
    for (const char* bytes : {"O", "+X", "+ ", " +OK", "\r\n", "-ERX", ".", "Received:"}) {
        EXPECT_FALSE(may_begin_reply(bytes)) << bytes;
    }
}

Error refuse(std::string_view line) {
    return refusal({.asked = "PASS",
                    .code = Errc::login_refused,
                    .retry = Retry::never,
                    .advice = "check user and password"},
                   line, Quoter());
}

// P-027
TEST(Pop3Reply, TakesPassingTroubleForBusy) {
    for (const char* line :
         {"-ERR [IN-USE] Do you have another POP session running?", "-ERR [in-use]",
          "-ERR [SYS/TEMP] disk", "-ERR [SYS/TEMP/DISK] disk", "-ERR [LOGIN-DELAY] minimum 300",
          "-ERR maildrop already locked", "-ERR Please WAIT a minute", "-ERR Service unavailable",
          "-ERR too many connections", "-ERR login limit exceeded"}) {
        const Error error = refuse(line);
        EXPECT_EQ(error.code, Errc::busy) << line;
        EXPECT_EQ(error.retry, Retry::later) << line;
    }
}

// P-028
TEST(Pop3Reply, LetsAResponseCodeDecideBeforeTheWords) {
    const Error auth = refuse("-ERR [AUTH] locked out, wait");
    EXPECT_EQ(auth.code, Errc::login_refused);
    EXPECT_EQ(auth.retry, Retry::never);
    const Error permanent = refuse("-ERR [SYS/PERM] no such mailbox");
    EXPECT_EQ(permanent.code, Errc::refused);
    EXPECT_EQ(permanent.retry, Retry::never);
    // Not hierarchic, only alike.
    EXPECT_EQ(refuse("-ERR [SYS/TEMPORARY] no").code, Errc::login_refused);
}

//
TEST(Pop3Reply, TellsWhatToDoEvenWhereTheServerSaysThatItIsForGood) {
    const Error error = refuse("-ERR [SYS/PERM] Your account is not enabled for POP access.");
    EXPECT_EQ(error.code, Errc::login_refused);
    EXPECT_NE(error.text.find("; enable POP in the settings"), std::string::npos) << error.text;
}

TEST(Pop3Reply, GivesAPlainRefusalTheMeaningOfTheCommand) {
    const Error error = refuse("-ERR no\x1b[2J");
    EXPECT_EQ(error.code, Errc::login_refused);
    EXPECT_EQ(error.retry, Retry::never);
    EXPECT_EQ(error.text,
              "PASS was refused: the server said \"-ERR no\\x1b[2J\"; check user and password");
    const Error retr = refusal({.asked = "RETR 3"}, "-ERR", Quoter());
    EXPECT_EQ(retr.code, Errc::refused);
    EXPECT_EQ(retr.retry, Retry::later);
    EXPECT_EQ(retr.text, "RETR 3 was refused: the server said \"-ERR\"");
}

TEST(Pop3Quoter, ShowsNothingThatRepeatsASecret) {
    Quoter quoter;
    quoter.withhold(Secret(std::string("hunter2")));
    quoter.withhold(Secret());
    EXPECT_EQ(quoter.quoted("-ERR bad 'hunter2'"), "(not shown: it repeats the password)");
    EXPECT_EQ(quoter.quoted("-ERR bad\r\n"), "\"-ERR bad\\x0d\\x0a\"");
    const Error error = refusal({.asked = "PASS"}, "-ERR hunter2", quoter);
    EXPECT_EQ(error.text.find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace postrider::pop3
