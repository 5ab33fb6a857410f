#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "smtp_fake_server.h"
#include "smtp_session.h"

// The table: each kind of answer, at each stage, to one and to several recipients, in lockstep and
// pipelined, SMTP and LMTP (S-016 to S-018).
namespace postrider::smtp {
namespace {

/// Lets both talk until nobody has anything to say.
void run(Session& session, FakeServer& server) {
    std::string said_by_server = "220 mx\r\n";
    while (!said_by_server.empty()) {
        session.hear(said_by_server);
        said_by_server = server.answer(session.say());
    }
}

/// The last event but the Ready that follows it.
std::string outcome(const Session& session) {
    const auto& events = session.events;
    const bool is_ready = std::holds_alternative<Ready>(events.back());
    return told(events.at(events.size() - (is_ready ? 2 : 1))) + (is_ready ? "; ready" : "");
}

bool has(const FakeServer& server, std::string_view command) {
    return std::find(server.commands.begin(), server.commands.end(), command) !=
           server.commands.end();
}

std::string repeated(std::size_t times, const std::string& word) {
    std::string text;
    for (std::size_t i = 0; i < times; ++i) text += (i == 0 ? "" : ", ") + word;
    return text;
}

class SmtpOutcome : public testing::TestWithParam<std::tuple<Flavour, bool, std::size_t>> {
  protected:
    SmtpOutcome() { restart(); }

    void restart() {
        server = FakeServer(flavour, pipelining);
        session.emplace(is_lmtp ? lmtp_settings() : smtp_settings());
        session->transactions.push_back(transaction_to(recipients));
    }

    void run_session() {
        run(*session, server);
        if (!pipelining) {
            EXPECT_LE(server.most_at_once, 1U) << "grouped without PIPELINING";
        }
    }

    const Flavour flavour = std::get<0>(GetParam());
    const bool pipelining = std::get<1>(GetParam());
    const std::size_t recipients = std::get<2>(GetParam());
    const bool is_lmtp = flavour == Flavour::lmtp;
    FakeServer server{flavour, pipelining};
    std::optional<Session> session;
};

TEST_P(SmtpOutcome, Accepted) {
    run_session();
    EXPECT_EQ(outcome(*session), "done: " + repeated(recipients, "content 250") + "; ready");
    EXPECT_EQ(server.content, session->content);
    EXPECT_FALSE(has(server, "RSET"));
}

TEST_P(SmtpOutcome, MailRefused) {
    for (const std::string code : {"450", "550"}) {
        restart();
        server.mail = code;
        run_session();
        EXPECT_EQ(outcome(*session), "done: " + repeated(recipients, "mail " + code) + "; ready");
        EXPECT_FALSE(has(server, "RSET"));
        EXPECT_EQ(has(server, "RCPT"), pipelining);
    }
}

TEST_P(SmtpOutcome, EveryRcptRefused) {
    for (const std::string code : {"452", "550"}) {
        restart();
        server.rcpt = {code};
        run_session();
        EXPECT_EQ(outcome(*session), "done: " + repeated(recipients, "rcpt " + code) + "; ready");
        EXPECT_TRUE(has(server, "RSET"));
        EXPECT_EQ(has(server, "DATA"), pipelining);
        EXPECT_FALSE(has(server, "."));
    }
}

TEST_P(SmtpOutcome, DataRefused) {
    for (const std::string code : {"451", "554"}) {
        restart();
        server.data = code;
        run_session();
        EXPECT_EQ(outcome(*session), "done: " + repeated(recipients, "data " + code) + "; ready");
        EXPECT_TRUE(has(server, "RSET"));
    }
}

TEST_P(SmtpOutcome, ContentRefused) {
    for (const std::string code : {"452", "550"}) {
        restart();
        server.dot = {code};
        run_session();
        EXPECT_EQ(outcome(*session),
                  "done: " + repeated(recipients, "content " + code) + "; ready");
        EXPECT_FALSE(has(server, "RSET"));
    }
}

TEST_P(SmtpOutcome, ContentAnsweredForEach) {
    server.dot = {"250", "452", "550"};
    run_session();
    if (is_lmtp && recipients == 3) {
        EXPECT_EQ(outcome(*session), "done: content 250, content 452, content 550; ready");
    } else {
        EXPECT_EQ(outcome(*session), "done: " + repeated(recipients, "content 250") + "; ready");
    }
}

TEST_P(SmtpOutcome, FarewellAtMail) {
    server.mail = "421";
    run_session();
    EXPECT_EQ(outcome(*session), "failed: busy: " + repeated(recipients, "mail 421"));
}

TEST_P(SmtpOutcome, FarewellAtRcpt) {
    server.rcpt = {"421"};
    run_session();
    EXPECT_EQ(outcome(*session), recipients == 1
                                     ? "failed: busy: rcpt 421"
                                     : "failed: busy: rcpt 421, rcpt unanswered, rcpt unanswered");
}

TEST_P(SmtpOutcome, FarewellAtTheSecondRcpt) {
    if (recipients < 3) return;
    server.rcpt = {"550", "250", "421"};
    run_session();
    EXPECT_EQ(outcome(*session), "failed: busy: rcpt 550, data unanswered, rcpt 421");
}

TEST_P(SmtpOutcome, FarewellAtData) {
    server.data = "421";
    run_session();
    EXPECT_EQ(outcome(*session), "failed: busy: " + repeated(recipients, "data 421"));
}

TEST_P(SmtpOutcome, FarewellAtTheDot) {
    server.dot = {"421"};
    run_session();
    if (is_lmtp && recipients == 3) {
        EXPECT_EQ(outcome(*session),
                  "failed: busy: content 421, content in doubt, content in doubt");
    } else {
        EXPECT_EQ(outcome(*session), "failed: busy: " + repeated(recipients, "content 421"));
    }
}

TEST_P(SmtpOutcome, FarewellAtRset) {
    server.data = "554";
    server.rset = "421";
    run_session();
    EXPECT_EQ(outcome(*session), "failed: busy: " + repeated(recipients, "data 554"));
}

TEST_P(SmtpOutcome, RsetRefusedLeavesTheConnectionUnusable) {
    for (const std::string code : {"450", "500"}) {
        restart();
        server.data = "554";
        server.rset = code;
        run_session();
        EXPECT_EQ(outcome(*session), "done: " + repeated(recipients, "data 554") + "; unusable");
        EXPECT_EQ(session->dialogue.phase(), Phase::over);
    }
}

TEST_P(SmtpOutcome, SomeRcptRefused) {
    if (recipients < 3) return;
    server.rcpt = {"250", "550", "452"};
    run_session();
    EXPECT_EQ(outcome(*session), "done: content 250, rcpt 550, rcpt 452; ready");
    EXPECT_EQ(server.content, session->content);
}

TEST_P(SmtpOutcome, SomeRcptRefusedThenData) {
    if (recipients < 3) return;
    server.rcpt = {"450", "250", "550"};
    server.data = "451";
    run_session();
    EXPECT_EQ(outcome(*session), "done: rcpt 450, data 451, rcpt 550; ready");
}

// R-004, S-007
TEST_P(SmtpOutcome, OneConnectionTakesManyMessages) {
    session->transactions.push_back(transaction_to(1));
    session->transactions.push_back(transaction_to(2));
    run_session();
    std::size_t done = 0;
    for (const Event& event : session->events) {
        if (!std::holds_alternative<TransactionDone>(event)) continue;
        ++done;
        for (const auto& result : std::get<TransactionDone>(event).results) {
            EXPECT_EQ(told(result), "content 250");
        }
    }
    EXPECT_EQ(done, 3U);
}

TEST_P(SmtpOutcome, NextMessageAfterARefusedOneIsItsOwn) {
    session->transactions.push_back(transaction_to(recipients));
    server.rcpt = {"550"};
    std::string said_by_server = "220 mx\r\n";
    while (!said_by_server.empty()) {
        session->hear(said_by_server);
        if (has(server, "RSET")) server.rcpt = {"250"};
        said_by_server = server.answer(session->say());
    }
    EXPECT_EQ(outcome(*session), "done: " + repeated(recipients, "content 250") + "; ready");
}

INSTANTIATE_TEST_SUITE_P(Ways, SmtpOutcome,
                         testing::Combine(testing::Values(Flavour::smtp, Flavour::lmtp),
                                          testing::Bool(), testing::Values(1U, 3U)),
                         [](const auto& way) {
                             return std::string(std::get<0>(way.param) == Flavour::lmtp ? "Lmtp"
                                                                                        : "Smtp") +
                                    (std::get<1>(way.param) ? "Grouped" : "Lockstep") +
                                    std::to_string(std::get<2>(way.param));
                         });

}  // namespace
}  // namespace postrider::smtp
