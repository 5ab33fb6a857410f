#include "sink/command_verdict.h"

#include <gtest/gtest.h>
#include <sysexits.h>

#include "unit/sink/sink_fixture.h"

namespace postrider::sink {
namespace {

/// As waitpid(2) packs it.
constexpr int exited(int status) {
    return status << 8;
}

std::string outcome(int status) {
    return to_text(DeliveryReport{{verdict_of_exit(exited(status), "")}, std::nullopt});
}

TEST(CommandVerdict, OnlyWhatJudgesTheMessageOrItsRecipientRefuses) {
    EXPECT_EQ(outcome(EX_OK), "delivered 0");
    for (const int status : {EX_DATAERR, EX_NOUSER, EX_NOHOST, EX_UNAVAILABLE, EX_NOPERM}) {
        EXPECT_EQ(outcome(status), "refused 0") << status;
    }
    for (const int status : {EX_USAGE, EX_NOINPUT, EX_SOFTWARE, EX_OSERR, EX_OSFILE, EX_CANTCREAT,
                             EX_IOERR, EX_TEMPFAIL, EX_PROTOCOL, EX_CONFIG}) {
        EXPECT_EQ(outcome(status), "later 0") << status;
    }
    for (const int status : {1, 2, 63, 79, 126, 127, 255}) {
        EXPECT_EQ(outcome(status), "later 0") << status << " is none of sysexits.h";
    }
}

TEST(CommandVerdict, ASignalPutsOff) {
    const Verdict verdict = verdict_of_exit(11, "");
    EXPECT_EQ(verdict.outcome, Outcome::later);
    EXPECT_EQ(verdict.text, "was ended by signal 11");
}

TEST(CommandVerdict, TellsTheFirstWordsOfTheComplaint) {
    const Verdict verdict = verdict_of_exit(exited(EX_NOUSER), "\n  no \x1b[1mbob\r\nmore\n");
    EXPECT_EQ(verdict.text, "ended with status 67 (no such user), saying: no \\x1b[1mbob");
    EXPECT_EQ(verdict.enhanced, "5.1.1");
    EXPECT_EQ(verdict_of_exit(0, "kept\n").text, "kept");
}

}  // namespace
}  // namespace postrider::sink
