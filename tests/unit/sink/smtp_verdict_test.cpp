#include "sink/smtp_verdict.h"

#include "unit/sink/sink_fixture.h"

namespace postrider::sink {
namespace {

using smtp::RecipientResult;
using smtp::Stage;

RecipientResult answered(Stage stage, int code) {
    return {stage, smtp::Reply{code, "", "words"}, stage == Stage::content};
}

std::string told(const std::vector<RecipientResult>& results) {
    return to_text(report_of(results));
}

TEST(SmtpVerdict, OnlyAPositiveReplyToTheContentIsADelivery) {
    EXPECT_EQ(told({answered(Stage::content, 250)}), "delivered 250");
    EXPECT_EQ(told({answered(Stage::rcpt, 250)}), "later 250");
}

// S-016
TEST(SmtpVerdict, RefusalsAreAboutTheMessageAtEveryStage) {
    for (const Stage stage : {Stage::mail, Stage::rcpt, Stage::data, Stage::content}) {
        EXPECT_EQ(told({answered(stage, 554)}), "refused 554");
    }
}

TEST(SmtpVerdict, TransientRepliesToMailAreAboutTheDestination) {
    EXPECT_EQ(told({answered(Stage::mail, 452)}), "later 452; fault later");
    EXPECT_EQ(told({answered(Stage::rcpt, 452)}), "later 452");
    EXPECT_EQ(told({answered(Stage::data, 451)}), "later 451");
    EXPECT_EQ(told({answered(Stage::content, 451)}), "later 451");
    EXPECT_EQ(told({answered(Stage::content, 421)}), "later 421; fault later");
}

TEST(SmtpVerdict, DemandsForAuthenticationHoldNothingAndStopTheDestination) {
    for (const int code : {530, 535, 538}) {
        EXPECT_EQ(told({answered(Stage::mail, code)}),
                  "later " + std::to_string(code) + "; fault never");
    }
}

TEST(SmtpVerdict, WhatWasSentWithoutAnAnswerIsAmbiguous) {
    EXPECT_EQ(told({{Stage::content, std::nullopt, true}}), "ambiguous 0");
    EXPECT_EQ(told({{Stage::content, std::nullopt, false}}), "later 0");
}

// S-034
TEST(SmtpVerdict, TheWordsOfTheServerAreEscapedAndCut) {
    const auto report = report_of({{Stage::rcpt, smtp::Reply{550, "5.1.1", "no\x1b[2J"}, false},
                                   {Stage::rcpt, smtp::Reply{550, "", std::string(300, 'x')}}});
    EXPECT_EQ(report.verdicts[0].text, "no\\x1b[2J");
    EXPECT_EQ(report.verdicts[0].enhanced, "5.1.1");
    EXPECT_EQ(report.verdicts[1].text.size(), 256U + 3U);
}

TEST(SmtpVerdict, ALostConnectionIsTheFaultUnlessEverybodyHasAFinalAnswer) {
    const Error lost{Errc::closed, Retry::later, "the server closed the connection"};
    EXPECT_EQ(to_text(report_of_failure(lost, {}, 2)), "later 0, later 0; fault later");
    EXPECT_EQ(to_text(report_of_failure(
                  lost, {answered(Stage::content, 250), {Stage::content, std::nullopt, true}}, 2)),
              "delivered 250, ambiguous 0; fault later; hung up");
    EXPECT_EQ(to_text(report_of_failure(
                  lost, {answered(Stage::content, 250), answered(Stage::rcpt, 550)}, 2)),
              "delivered 250, refused 550");
    EXPECT_EQ(report_of_failure(lost, {}, 1).verdicts[0].text, lost.text);
}

TEST(SmtpVerdict, AConnectionThatEndsOverAMessageMayBeThatMessagesDoing) {
    const Error lost{Errc::closed, Retry::later, "lost"};
    for (const Stage stage : {Stage::mail, Stage::rcpt, Stage::data, Stage::content}) {
        EXPECT_TRUE(report_of_failure(lost, {{stage, std::nullopt, false}}, 1).hung_up);
    }
    EXPECT_TRUE(report_of_failure(lost, {answered(Stage::content, 421)}, 1).hung_up);
    EXPECT_FALSE(report_of_failure(lost, {answered(Stage::mail, 421)}, 1).hung_up);
    EXPECT_FALSE(report_of_failure(lost, {}, 1).hung_up);
    EXPECT_FALSE(report_of({answered(Stage::content, 451)}).hung_up);
}

TEST(SmtpVerdict, TheServersReplyDecidesWhetherAPersonMustAct) {
    const Error error{Errc::refused, Retry::later, "text"};
    EXPECT_EQ(session_error(error, std::nullopt).retry, Retry::later);
    EXPECT_EQ(session_error(error, smtp::Reply{554, "", ""}).retry, Retry::never);
    EXPECT_EQ(session_error(error, smtp::Reply{535, "", ""}).retry, Retry::never);
    const Error hard{Errc::refused, Retry::never, "text"};
    EXPECT_EQ(session_error(hard, smtp::Reply{421, "", ""}).retry, Retry::later);
}

}  // namespace
}  // namespace postrider::sink
