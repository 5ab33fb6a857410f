#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "postrider/engine/account_poll.h"
#include "postrider/source/pop3_source.h"

#include "support/fake_held_store.h"
#include "support/fake_pop3.h"
#include "support/fake_sink.h"
#include "support/memory_ledger.h"
#include "support/null_log.h"
#include "support/sim_loop.h"
#include "support/sim_worker.h"

namespace postrider::test {

/// Plays one file of tests/scenarios: a server with its vices, an account, polls, and what is
/// expected of them. The words are told in tests/scenarios/README.
class Pop3Scenario {
  public:
    Pop3Scenario();
    Pop3Scenario(const Pop3Scenario&) = delete;
    Pop3Scenario& operator=(const Pop3Scenario&) = delete;
    ~Pop3Scenario();

    /// Expectations that fail, and words that mean nothing, are failures of the test.
    void play(const std::string& path);

  private:
    void play_line(std::string_view line);
    [[nodiscard]] bool play_server(std::string_view wish);
    [[nodiscard]] bool play_server_vice(std::string_view word, std::string_view rest);
    [[nodiscard]] bool play_rule(std::string_view rest);
    [[nodiscard]] bool play_mailbox(std::string_view verb, std::string_view rest);
    [[nodiscard]] bool play_account(std::string_view wish);
    [[nodiscard]] bool choose_login(std::string_view name);
    [[nodiscard]] bool play_destination(std::string_view wish);
    [[nodiscard]] bool play_expect(std::string_view wish);
    [[nodiscard]] bool expect_error(std::string_view rest);
    void poll();

    SimLoop loop_;
    NullLog log_;
    SimWorker worker_{loop_};
    MemoryLedger ledger_{loop_};
    FakeHeldStore held_{loop_};
    FakeSink sink_{loop_};
    FakePop3 server_{loop_};
    engine::MemoryBudget memory_{loop_, 256UL * 1024 * 1024};
    engine::Destination destination_{"local", sink_, 1};
    engine::Services services_{loop_, ledger_, held_, memory_, log_, "here.example.net"};
    engine::AccountPolicy policy_;
    source::Pop3Settings settings_;
    std::unique_ptr<source::SourceFactory> source_;
    std::unique_ptr<engine::AccountPoll> account_poll_;
    std::optional<engine::PollReport> report_;
    std::size_t mails_ = 0;  ///< added so far
};

}  // namespace postrider::test
