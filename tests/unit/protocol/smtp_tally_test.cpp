#include <gtest/gtest.h>

#include "protocol/smtp/tally.h"
#include "smtp_session.h"

namespace postrider::smtp {
namespace {

const Reply kTaken{250, "", "ok"};
const Reply kRefused{550, "", "no"};
const Reply kLater{450, "", "later"};

TEST(SmtpTally, FirstOutcomeIsTheLast) {
    Tally tally(2);
    tally.refuse(0, Stage::rcpt, kRefused);
    tally.refuse_all(Stage::mail, kLater);
    tally.accept(0);
    tally.settle(0, Stage::content, kTaken);
    EXPECT_EQ(told(tally.results()), "rcpt 550, mail 450");
}

TEST(SmtpTally, OnlyTheAcceptedComeToBeDelivered) {
    Tally tally(3);
    tally.accept(1);
    tally.settle_accepted(Stage::content, kTaken);
    EXPECT_EQ(told(tally.results()), "mail unanswered, content 250, mail unanswered");
}

TEST(SmtpTally, TellsWhichAnswerIsMissing) {
    Tally tally(3);
    EXPECT_EQ(told(tally.results()), "mail unanswered, mail unanswered, mail unanswered");
    tally.sender_accepted();
    tally.accept(0);
    tally.refuse(1, Stage::rcpt, kRefused);
    EXPECT_EQ(told(tally.results()), "data unanswered, rcpt 550, rcpt unanswered");
    tally.content_begins();
    EXPECT_EQ(told(tally.results()), "content unanswered, rcpt 550, rcpt unanswered");
    tally.content_sent();
    EXPECT_EQ(told(tally.results()), "content in doubt, rcpt 550, rcpt unanswered");
}

TEST(SmtpTally, FindsThePendingAndTheAccepted) {
    Tally tally(4);
    tally.refuse(0, Stage::rcpt, kRefused);
    tally.accept(1);
    EXPECT_EQ(tally.next_pending(0), 2U);
    EXPECT_EQ(tally.next_pending(3), 3U);
    EXPECT_EQ(tally.next_pending(4), std::nullopt);
    EXPECT_TRUE(tally.has_accepted());
    tally.accept(3);
    EXPECT_EQ(tally.accepted(), (std::vector<std::size_t>{1, 3}));
    tally.settle_accepted(Stage::data, kLater);
    EXPECT_FALSE(tally.has_accepted());
}

TEST(SmtpTallyDeathTest, NoPositiveReplyBeforeTheContentIsAnOutcome) {
    Tally tally(1);
    EXPECT_DEATH(tally.refuse(0, Stage::rcpt, kTaken), "");
    EXPECT_DEATH(tally.settle_accepted(Stage::data, kTaken), "");
}

}  // namespace
}  // namespace postrider::smtp
