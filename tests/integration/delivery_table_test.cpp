// What becomes of a message, by what its destination answers, and when: the whole way from a POP3
// server to an SMTP or LMTP server, in virtual time (S-016, S-017, S-018, S-031).
#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <ostream>
#include <string>

#include <gtest/gtest.h>

#include "postrider/engine/account_poll.h"
#include "postrider/sink/smtp_sink.h"
#include "postrider/source/pop3_source.h"

#include "support/fake_held_store.h"
#include "support/fake_mta.h"
#include "support/fake_pop3.h"
#include "support/mail_samples.h"
#include "support/memory_ledger.h"
#include "support/null_log.h"
#include "support/sim_loop.h"
#include "support/sim_worker.h"

namespace postrider::test {
namespace {

using Stage = FakeMta::Stage;

constexpr const char* kOdd = "odd@sender.example";
constexpr std::array<const char*, 3> kRecipients = {"a@here.example", "b@here.example",
                                                    "c@here.example"};

/// The server takes the message, and the connection is gone before it can say so.
constexpr const char* kLost = "lost";

/// A row of the table: what is answered once, and what comes of it for one recipient and for three,
/// by SMTP and by LMTP. With three, answers to RCPT and to LMTP's final dot are about "b" alone.
///
/// A cell says what became of the message at the first poll and, behind ">" if it is something
/// else, at the second, an hour later, when everything is answered well:
///   who has it: "-", "a", "abc", "aa" (twice)
///   its phase in the ledger: Unknown, Seen, Delivered, Held
///   "+b": a copy is held for b
///   "[0]": how many of its two neighbours had arrived, if not both; at the second poll they have
struct Row {
    Stage stage;
    const char* answer;  ///< "": the connection is closed instead, kLost
    const char* smtp_one;
    const char* smtp_many;
    const char* lmtp_one;
    const char* lmtp_many;
};

const std::array kTable = {
    Row{Stage::greeting, "", "- U [0] > a D", "- U [0] > abc D", "- U [0] > a D",
        "- U [0] > abc D"},
    Row{Stage::greeting, "421 4.3.2 closing", "- U [0] > a D", "- U [0] > abc D", "- U [0] > a D",
        "- U [0] > abc D"},
    Row{Stage::greeting, "451 4.3.0 later", "- U [0] > a D", "- U [0] > abc D", "- U [0] > a D",
        "- U [0] > abc D"},
    Row{Stage::greeting, "550 5.7.1 no", "- U [0] > a D", "- U [0] > abc D", "- U [0] > a D",
        "- U [0] > abc D"},
    Row{Stage::greeting, "552 5.2.2 full", "- U [0] > a D", "- U [0] > abc D", "- U [0] > a D",
        "- U [0] > abc D"},
    Row{Stage::hello, "", "- U [0] > a D", "- U [0] > abc D", "- U [0] > a D", "- U [0] > abc D"},
    Row{Stage::hello, "421 4.3.2 closing", "- U [0] > a D", "- U [0] > abc D", "- U [0] > a D",
        "- U [0] > abc D"},
    Row{Stage::hello, "451 4.3.0 later", "- U [0] > a D", "- U [0] > abc D", "- U [0] > a D",
        "- U [0] > abc D"},
    Row{Stage::hello, "550 5.7.1 no", "- U [0] > a D", "- U [0] > abc D", "- U [0] > a D",
        "- U [0] > abc D"},
    Row{Stage::hello, "552 5.2.2 full", "- U [0] > a D", "- U [0] > abc D", "- U [0] > a D",
        "- U [0] > abc D"},
    Row{Stage::mail, "", "a D", "abc D", "a D", "abc D"},
    Row{Stage::mail, "421 4.3.2 closing", "a D", "abc D", "a D", "abc D"},
    Row{Stage::mail, "451 4.3.0 later", "a D", "abc D", "a D", "abc D"},
    Row{Stage::mail, "550 5.7.1 no", "- H+a", "- H+abc", "- H+a", "- H+abc"},
    Row{Stage::mail, "552 5.2.2 full", "- S > a D", "- S > abc D", "- S > a D", "- S > abc D"},
    Row{Stage::mail, "250 2.0.0 ok", "a D", "abc D", "a D", "abc D"},
    Row{Stage::rcpt, "", "a D", "abc D", "a D", "abc D"},
    Row{Stage::rcpt, "421 4.3.2 closing", "a D", "abc D", "a D", "abc D"},
    Row{Stage::rcpt, "451 4.3.0 later", "- U > a D", "ac S > abc D", "- U > a D", "ac S > abc D"},
    Row{Stage::rcpt, "550 5.7.1 no", "- H+a", "ac H+b", "- H+a", "ac H+b"},
    Row{Stage::rcpt, "552 5.2.2 full", "- S > a D", "ac S > abc D", "- S > a D", "ac S > abc D"},
    Row{Stage::rcpt, "250 2.0.0 ok", "a D", "abc D", "a D", "abc D"},
    Row{Stage::data, "", "a D", "abc D", "a D", "abc D"},
    Row{Stage::data, "421 4.3.2 closing", "a D", "abc D", "a D", "abc D"},
    Row{Stage::data, "451 4.3.0 later", "- U > a D", "- U > abc D", "- U > a D", "- U > abc D"},
    Row{Stage::data, "550 5.7.1 no", "- H+a", "- H+abc", "- H+a", "- H+abc"},
    Row{Stage::data, "552 5.2.2 full", "- S > a D", "- S > abc D", "- S > a D", "- S > abc D"},
    Row{Stage::content, "", "- S > a D", "- S > abc D", "- S > a D", "- S > abc D"},
    Row{Stage::content, "421 4.3.2 closing", "a D", "abc D", "a D", "- S > abc D"},
    Row{Stage::content, "451 4.3.0 later", "- U > a D", "- U > abc D", "- U > a D", "- S > abc D"},
    Row{Stage::content, "550 5.7.1 no", "- H+a", "- H+abc", "- H+a", "- S+a > bc H+a"},
    Row{Stage::content, "552 5.2.2 full", "- S > a D", "- S > abc D", "- S > a D", "- S > abc D"},
    Row{Stage::final_dot, "", "- S > a D", "- S > abc D", "- S > a D", "a S > abc D"},
    Row{Stage::final_dot, kLost, "a S > aa D", "abc S > aabbcc D", "a S > aa D", "ab S > abbc D"},
    Row{Stage::final_dot, "421 4.3.2 closing", "a D", "abc D", "a D", "a S > abc D"},
    Row{Stage::final_dot, "451 4.3.0 later", "- U > a D", "- U > abc D", "- U > a D",
        "ac S > abc D"},
    Row{Stage::final_dot, "550 5.7.1 no", "- H+a", "- H+abc", "- H+a", "ac H+b"},
    Row{Stage::final_dot, "552 5.2.2 full", "- S > a D", "- S > abc D", "- S > a D",
        "ac S > abc D"},
    Row{Stage::final_dot, "250 2.0.0 ok", "a D", "abc D", "a D", "abc D"},
};

struct Case {
    const Row* row;
    smtp::Flavour flavour;
    bool is_many;

    [[nodiscard]] const char* expected() const {
        return flavour == smtp::Flavour::smtp ? (is_many ? row->smtp_many : row->smtp_one)
                                              : (is_many ? row->lmtp_many : row->lmtp_one);
    }
};

class DeliveryTable : public testing::TestWithParam<Case> {
  protected:
    DeliveryTable() {
        const Case& wanted = GetParam();
        mta_.is_lmtp = wanted.flavour == smtp::Flavour::lmtp;
        for (std::size_t i = 0; i < (wanted.is_many ? kRecipients.size() : 1); ++i) {
            policy_.recipients.push_back(*mail::Address::parse(kRecipients[i]));
        }
        policy_.account = "alice";
        pop3_.mailbox = {{"before", mail_with_return_path("<before@sender.example>")},
                         {"odd", mail_with_return_path("<" + std::string(kOdd) + ">")},
                         {"after", mail_with_return_path("<after@sender.example>")}};
        sink::SmtpSettings to;
        to.hosts = {{{"mx.example.net", 25, ""}, {}}};
        to.flavour = wanted.flavour;
        to.hello_name = "here.example.net";
        to.connections = 1;
        sink_ = sink::make_smtp_sink(loop_, worker_, mta_, to);
        destination_ = std::make_unique<engine::Destination>("local", *sink_, 1);
        source::Pop3Settings from;
        from.endpoint = {"pop.example.net", 110, ""};
        from.tls = source::TlsMode::none;
        from.allow_cleartext = true;
        from.tls_settings = {"pop.example.net", "", "account alice"};
        from.user = "alice";
        from.password = Secret("secret");
        source_ = source::make_pop3_source(loop_, worker_, pop3_, from);
    }
    ~DeliveryTable() override {
        poll_.reset();
        loop_.run_until_idle();
    }

    void misbehave() {
        const Case& wanted = GetParam();
        const bool is_per_recipient =
            wanted.row->stage == Stage::rcpt ||
            (wanted.row->stage == Stage::final_dot && wanted.flavour == smtp::Flavour::lmtp);
        FakeMta::Rule rule;
        rule.stage = wanted.row->stage;
        rule.reply = wanted.row->answer;
        rule.takes_it = rule.reply == kLost;
        rule.reply = rule.takes_it ? "" : rule.reply;
        // Who answers in the midst of content does not listen to the rest (S-031).
        rule.hangs_up =
            rule.reply.empty() || rule.reply.starts_with("421") || rule.stage == Stage::content;
        rule.times = 1;
        rule.sender = rule.stage == Stage::greeting || rule.stage == Stage::hello ? "" : kOdd;
        rule.recipient = wanted.is_many && is_per_recipient ? kRecipients[1] : "";
        rule.at_octet = rule.stage == Stage::content ? 100 : 0;
        mta_.rules = {rule};
    }

    void poll() {
        bool is_done = false;
        poll_ = std::make_unique<engine::AccountPoll>(services_, *source_, *destination_, policy_);
        poll_->start([](const engine::PollReport&) {},
                     [this, &is_done](const engine::PollReport&) {
                         is_done = true;
                         loop_.defer_delete(std::move(poll_));
                     });
        ASSERT_TRUE(loop_.run_until([&is_done] { return is_done; }, std::chrono::hours(1)));
        loop_.run_until_idle();
    }

    [[nodiscard]] std::string outcome() const {
        const auto record = ledger_.record("alice", {"odd", 0});
        const char phase =
            record ? std::string_view("SD--H-").at(static_cast<std::size_t>(record->phase)) : 'U';
        std::string text = taken_by_whom() + ' ' + phase + held_for_whom();
        const std::size_t neighbours = taken_of("before") + taken_of("after");
        if (neighbours != 2) {
            text += " [" + std::to_string(neighbours) + "]";
        }
        return text;
    }

    /// All recipients of a message count as one.
    [[nodiscard]] std::size_t taken_of(const std::string& who) const {
        return mta_.taken_from(who + "@sender.example") / policy_.recipients.size();
    }

    [[nodiscard]] std::string taken_by_whom() const {
        std::string who;
        for (const FakeMta::Taken& taken : mta_.taken()) {
            who += taken.sender == kOdd ? taken.recipient.substr(0, 1) : "";
        }
        std::sort(who.begin(), who.end());
        return who.empty() ? "-" : who;
    }

    [[nodiscard]] std::string held_for_whom() const {
        std::string who;
        for (const FakeHeldStore::Copy& copy : held_.copies()) {
            for (const mail::Address& recipient : copy.what.envelope.recipients) {
                who += recipient.text().substr(0, 1);
            }
        }
        return who.empty() ? "" : "+" + who;
    }

    SimLoop loop_;
    NullLog log_;
    SimWorker worker_{loop_};
    MemoryLedger ledger_{loop_};
    FakeHeldStore held_{loop_};
    FakePop3 pop3_{loop_};
    FakeMta mta_{loop_};
    std::unique_ptr<sink::MailSink> sink_;
    std::unique_ptr<engine::Destination> destination_;
    engine::MemoryBudget memory_{loop_, 256UL * 1024 * 1024};
    engine::Services services_{loop_, ledger_, held_, memory_, log_, "here.example.net"};
    engine::AccountPolicy policy_;
    std::unique_ptr<source::SourceFactory> source_;
    std::unique_ptr<engine::AccountPoll> poll_;
};

TEST_P(DeliveryTable, Cell) {
    misbehave();
    poll();
    std::string came_of_it = outcome();
    mta_.rules.clear();
    loop_.advance(std::chrono::hours(1));
    destination_->reopen();
    poll();
    EXPECT_EQ(taken_of("before"), 1U);
    EXPECT_EQ(taken_of("after"), 1U);
    if (const std::string later = outcome(); later != came_of_it) {
        came_of_it += " > " + later;
    }
    EXPECT_EQ(came_of_it, GetParam().expected());
    EXPECT_EQ(pop3_.mailbox.size(), 3U);

    poll();
    EXPECT_TRUE(came_of_it.ends_with(outcome())) << outcome();
}

const char* name_of(Stage stage) {
    constexpr std::array kNames = {"greeting", "hello", "starttls", "auth",  "mail",
                                   "rcpt",     "data",  "content",  "final", "after"};
    return kNames.at(static_cast<std::size_t>(stage));
}

std::vector<Case> cases() {
    std::vector<Case> all;
    for (const Row& row : kTable) {
        for (const smtp::Flavour flavour : {smtp::Flavour::smtp, smtp::Flavour::lmtp}) {
            all.push_back({&row, flavour, false});
            all.push_back({&row, flavour, true});
        }
    }
    return all;
}

std::ostream& operator<<(std::ostream& out, const Case& cell) {
    return out << name_of(cell.row->stage) << " \"" << cell.row->answer << '"';
}

INSTANTIATE_TEST_SUITE_P(All, DeliveryTable, testing::ValuesIn(cases()),
                         [](const testing::TestParamInfo<Case>& cell_info) {
                             const Case& cell = cell_info.param;
                             const std::string answer = cell.row->answer;
                             return std::string(name_of(cell.row->stage)) + "_" +
                                    (answer.empty() ? "closed"
                                                    : answer.substr(0, answer.find(' '))) +
                                    "_" + (cell.flavour == smtp::Flavour::smtp ? "smtp" : "lmtp") +
                                    (cell.is_many ? "_many" : "_one");
                         });

}  // namespace
}  // namespace postrider::test
