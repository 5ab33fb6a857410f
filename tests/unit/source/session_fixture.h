#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "postrider/source/pop3_source.h"

#include "support/scripted_peer.h"
#include "support/sim_loop.h"
#include "support/sim_worker.h"

namespace postrider::source {

using Script = test::ScriptedPeer::Script;

/// Several scripts, one behind the other.
inline Script joined(std::initializer_list<Script> parts) {
    Script all;
    for (const Script& part : parts) {
        all.insert(all.end(), part.begin(), part.end());
    }
    return all;
}

/// A server's side from the greeting to the end of the login; `capa` is told after it.
inline Script login(const Script& capa = {}) {
    return joined({{"S: +OK hello", "C: CAPA", "S: +OK", "S: USER", "S: UIDL", "S: .",
                    "C: USER alice", "S: +OK", "C: PASS c4n4ry", "S: +OK", "C: CAPA", "S: +OK"},
                   capa,
                   {"S: ."}});
}

/// The listing of a server without pipelining; `sizes` belong to messages 1, 2, ... with the UIDs
/// u1, u2, ...
inline Script listing(const std::vector<int>& sizes) {
    Script script{"C: UIDL", "S: +OK"};
    for (std::size_t i = 1; i <= sizes.size(); ++i) {
        script.push_back(fmt::format("S: {} u{}", i, i));
    }
    script.insert(script.end(), {"S: .", "C: LIST", "S: +OK"});
    for (std::size_t i = 1; i <= sizes.size(); ++i) {
        script.push_back(fmt::format("S: {} {}", i, sizes[i - 1]));
    }
    script.emplace_back("S: .");
    return script;
}

/// Writes down what a session tells, one line each.
class Told final : public SourceEvents {
  public:
    void on_listed(const Listing& listing, const Capabilities& with) override {
        capabilities = with;
        std::string line = listing.has_uids ? "listed" : "listed without UIDs";
        for (const RemoteMessage& message : listing.messages) {
            line += fmt::format(" {}:{}#{}/{}", message.number, message.uid, message.occurrence,
                                message.size);
        }
        tell(line);
    }
    void on_fetched(std::uint32_t number, mail::Message message) override {
        tell(fmt::format("fetched {}: {}", number, message.head(65536).value()));
    }
    void on_head(std::uint32_t number, Expected<std::string> head) override {
        tell(head ? fmt::format("head {}: {}", number, *head) : fmt::format("no head {}", number));
    }
    void on_fetch_refused(std::uint32_t number, const Error& why) override {
        error = why;
        tell(fmt::format("not fetched {}", number));
    }
    void on_removed(std::uint32_t number) override { tell(fmt::format("removed {}", number)); }
    void on_remove_refused(std::uint32_t number, const Error& why) override {
        error = why;
        tell(fmt::format("not removed {}", number));
    }
    void on_settled(const Expected<void>& outcome) override {
        is_over = true;
        if (!outcome) {
            error = outcome.error();
        }
        tell(outcome ? "settled" : "not settled");
    }
    void on_failed(const Error& why) override {
        is_over = true;
        error = why;
        tell("failed");
    }

    std::vector<std::string> lines;
    Capabilities capabilities;
    std::optional<Error> error;                      ///< the last
    bool is_over = false;                            ///< settled or failed
    std::function<void(const std::string&)> answer;  ///< what the owner does about a line

  private:
    void tell(const std::string& line) {
        lines.push_back(line);
        if (answer) {
            answer(line);
        }
    }
};

/// One session with a scripted server, in virtual time.
class SessionTest : public testing::Test {
  protected:
    using Lines = std::vector<std::string>;

    SessionTest() {
        settings.endpoint = {"pop.example", 110, ""};
        settings.tls = TlsMode::none;
        settings.allow_cleartext = true;
        settings.tls_settings = {"pop.example", "", "account alice"};
        settings.user = "alice";
        settings.password = Secret("c4n4ry");
        settings.spool.directory = testing::TempDir();
    }

    void start(Script script) {
        peer.then(std::move(script));
        factory = make_pop3_source(loop, worker, peer, settings);
        session = factory->open(told, quirks);
        session->start();
        started = loop.now();
        loop.run_until_idle();
    }

    /// How long after its start the session was over.
    Duration lasted() {
        EXPECT_TRUE(loop.run_until([this] { return told.is_over; }, std::chrono::hours(3)));
        return loop.now() - started;
    }

    test::SimLoop loop;
    test::SimWorker worker{loop};
    test::ScriptedPeer peer{loop};
    Told told;
    Pop3Settings settings;
    Quirks quirks;  ///< what earlier sessions have learned
    std::unique_ptr<SourceFactory> factory;
    std::unique_ptr<MailSource> session;
    MonotonicTime started{};
};

}  // namespace postrider::source
