#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "postrider/sink/smtp_sink.h"

#include "support/scripted_peer.h"
#include "support/sim_loop.h"
#include "support/sim_worker.h"

namespace postrider::sink {

using Script = test::ScriptedPeer::Script;

/// Several scripts, one behind the other.
inline Script joined(std::initializer_list<Script> parts) {
    Script all;
    for (const Script& part : parts) {
        all.insert(all.end(), part.begin(), part.end());
    }
    return all;
}

/// A server with PIPELINING up to the answer to EHLO.
inline Script hello() {
    return {"S: 220 mx", "C: EHLO me.example", "S: 250-mx", "S: 250-SIZE 1000000",
            "S: 250 PIPELINING"};
}

/// One message to bob up to the final dot.
inline Script content() {
    return {"P: MAIL FROM:<>", "C: RCPT TO:<bob@example.org>",
            "C: DATA",         "S: 250 ok",
            "S: 250 ok",       "S: 354 go",
            "until ."};
}

/// One message to bob, taken.
inline Script taken() {
    return joined({content(), {"S: 250 2.0.0 queued"}});
}

inline std::string to_text(Retry retry) {
    return retry == Retry::never ? "never" : retry == Retry::later ? "later" : "now";
}

/// "delivered 250, later 0; fault later": the outcomes with their codes, and the fault.
inline std::string to_text(const DeliveryReport& report) {
    std::string text;
    for (const Verdict& verdict : report.verdicts) {
        const char* const outcome = verdict.outcome == Outcome::delivered ? "delivered"
                                    : verdict.outcome == Outcome::later   ? "later"
                                    : verdict.outcome == Outcome::refused ? "refused"
                                                                          : "ambiguous";
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", outcome, verdict.code);
    }
    if (report.fault) {
        text += "; fault " + to_text(report.fault->retry);
    }
    return report.hung_up ? text + "; hung up" : text;
}

inline mail::Address address(std::string_view text) {
    return mail::Address::parse(text).value();
}

inline std::shared_ptr<const mail::OutgoingMessage> message_of(std::string_view text,
                                                               std::string own_header = "") {
    mail::MessageBuilder builder({testing::TempDir()});
    EXPECT_TRUE(builder.append(text));
    return std::make_shared<const mail::OutgoingMessage>(
        std::move(builder.finish().value()), std::move(own_header), std::vector<mail::Edit>());
}

/// One delivery or probe and what became of it.
struct Asked {
    std::unique_ptr<event::Operation> operation;
    std::optional<DeliveryReport> report;
    std::optional<Expected<void>> probed;

    [[nodiscard]] std::string told() const { return report ? to_text(*report) : "nothing"; }
};

/// A sink with scripted servers, in virtual time.
class SinkTest : public testing::Test {
  protected:
    SinkTest() {
        settings.hosts = {{{"mx.example", 25, ""}}};
        settings.hello_name = "me.example";
    }

    std::unique_ptr<Asked> deliver(std::string_view text = "a\r\n",
                                   const std::vector<std::string>& to = {"bob@example.org"}) {
        mail::Envelope envelope;
        for (const std::string& recipient : to) {
            envelope.recipients.push_back(address(recipient));
        }
        return deliver(envelope, message_of(text));
    }

    std::unique_ptr<Asked> deliver(const mail::Envelope& envelope,
                                   std::shared_ptr<const mail::OutgoingMessage> message) {
        auto asked = std::make_unique<Asked>();
        auto delivery = prepare(envelope, std::move(message), *asked);
        delivery->commit();
        asked->operation = std::move(delivery);
        return asked;
    }

    /// As deliver(), but for the caller to commit. `asked` outlives the delivery.
    std::unique_ptr<Delivery> prepare(const mail::Envelope& envelope,
                                      std::shared_ptr<const mail::OutgoingMessage> message,
                                      Asked& asked) {
        return sink().deliver(envelope, std::move(message), [&asked](DeliveryReport report) {
            asked.report = std::move(report);
        });
    }

    std::unique_ptr<Asked> probe() {
        auto asked = std::make_unique<Asked>();
        asked->operation = sink().probe(
            [to = asked.get()](Expected<void> outcome) { to->probed = std::move(outcome); });
        return asked;
    }

    MailSink& sink() {
        if (sink_ == nullptr) {
            sink_ = make_smtp_sink(loop, worker, peer, settings);
        }
        return *sink_;
    }

    /// One message to a server that plays `script`: what is told of it.
    std::string deliver_to(Script script) {
        peer.then(std::move(script));
        const auto asked = deliver();
        loop.run_until_idle();
        return asked->told();
    }

    test::SimLoop loop;
    test::SimWorker worker{loop};
    test::ScriptedPeer peer{loop};
    SmtpSettings settings;
    std::unique_ptr<MailSink> sink_;
};

}  // namespace postrider::sink
