#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "postrider/mail/address.h"
#include "postrider/protocol/smtp/dialogue.h"

namespace postrider::smtp {

inline mail::Address address(std::string_view text) {
    return mail::Address::parse(text).value();
}

/// From s@a.example to r1@b.example ... rN@b.example.
inline Transaction transaction_to(std::size_t recipients) {
    Transaction transaction;
    transaction.envelope.sender = address("s@a.example");
    for (std::size_t i = 1; i <= recipients; ++i) {
        transaction.envelope.recipients.push_back(address("r" + std::to_string(i) + "@b.example"));
    }
    return transaction;
}

inline std::string told(const RecipientResult& result) {
    static constexpr const char* kStages[] = {"mail", "rcpt", "data", "content"};
    const std::string stage = kStages[static_cast<std::size_t>(result.stage)];
    if (result.reply) return stage + " " + std::to_string(result.reply->code);
    return stage + (result.content_sent ? " in doubt" : " unanswered");
}

/// "content 250, rcpt 550, data unanswered, content in doubt"
inline std::string told(const std::vector<RecipientResult>& results) {
    std::string text;
    for (const auto& result : results) text += (text.empty() ? "" : ", ") + told(result);
    return text;
}

inline std::string told(const Event& event) {
    struct Teller {
        std::string operator()(const NeedInput&) const { return "need input"; }
        std::string operator()(const StartTls&) const { return "start tls"; }
        std::string operator()(const KeyNeeded&) const { return "key needed"; }
        std::string operator()(const Ready&) const { return "ready"; }
        std::string operator()(const SendContent&) const { return "send content"; }
        std::string operator()(const TransactionDone& done) const {
            return "done: " + told(done.results) + (done.usable ? "" : "; unusable");
        }
        std::string operator()(const Failed& failed) const {
            const std::string results = told(failed.results);
            return "failed: " + std::string(to_text(failed.error.code)) +
                   (results.empty() ? "" : ": " + results);
        }
    };
    return std::visit(Teller{}, event);
}

/// A dialogue and what the test makes of it: begins the queued transactions when ready, and sends
/// `content` when asked for it.
class Session {
  public:
    explicit Session(Settings settings) : dialogue(std::move(settings)) {}

    /// The server sends. Returns what was reported, one event a line.
    std::string hear(std::string_view bytes) {
        const std::size_t before = events.size();
        std::string text;
        for (Event event = dialogue.next(bytes); !std::holds_alternative<NeedInput>(event);
             event = dialogue.next(bytes)) {
            text += (text.empty() ? "" : "\n") + told(event);
            events.push_back(event);
            react(event);
        }
        EXPECT_TRUE(bytes.empty());
        EXPECT_LE(events.size() - before, 16U);
        return text;
    }

    /// What the client sends now.
    std::string say() { return dialogue.take_output(); }

    [[nodiscard]] const Failed& failed() const { return std::get<Failed>(events.back()); }

    Dialogue dialogue;
    std::vector<Event> events;
    std::vector<Transaction> transactions;  // begun in order, each at a Ready
    std::string content = "Subject: x\r\n\r\n.dot\r\n";
    bool ends_content = true;

  private:
    void react(const Event& event) {
        if (std::holds_alternative<Ready>(event) && !transactions.empty()) {
            dialogue.begin(std::move(transactions.front()));
            transactions.erase(transactions.begin());
        }
        if (std::holds_alternative<StartTls>(event)) dialogue.tls_started();
        if (std::holds_alternative<SendContent>(event)) {
            dialogue.send_content(content);
            if (ends_content) dialogue.end_content();
        }
    }
};

inline Settings smtp_settings() {
    return {.flavour = Flavour::smtp, .hello_name = "me.example"};
}
inline Settings lmtp_settings() {
    return {.flavour = Flavour::lmtp, .hello_name = "me.example"};
}

}  // namespace postrider::smtp
