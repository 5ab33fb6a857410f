#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "postrider/config/secrets.h"

#include "app/daemon/roster.h"
#include "support/fake_held_store.h"
#include "support/fake_sink.h"
#include "support/fake_source.h"
#include "support/mail_samples.h"
#include "support/memory_ledger.h"
#include "support/null_log.h"
#include "support/sim_loop.h"
#include "support/sim_worker.h"

namespace postrider::app {

using namespace std::chrono_literals;
using State = engine::Scheduler::State;

/// Lends a mailbox that the test keeps.
class LentSource final : public source::SourceFactory {
  public:
    explicit LentSource(test::FakeSource& source) : source_(source) {}
    [[nodiscard]] std::unique_ptr<source::MailSource> open(source::SourceEvents& events,
                                                           const source::Quirks& quirks) override {
        return source_.open(events, quirks);
    }
    [[nodiscard]] std::string host() const override { return source_.host(); }

  private:
    test::FakeSource& source_;
};

/// A roster between mailboxes, by account name, a destination, "local", and a ledger that a test
/// commands.
class RosterTest : public ::testing::Test {
  protected:
    RosterTest() {
        auto sink = std::make_unique<test::FakeSink>(loop);
        fake_sink = sink.get();
        outlet = std::make_shared<Outlet>(loop, "local", std::move(sink), 1);
    }
    RosterTest(const RosterTest&) = delete;
    RosterTest& operator=(const RosterTest&) = delete;
    ~RosterTest() override {
        roster.cut();
        loop.run_until_idle();
    }

    static config::AccountConfig account(const std::string& name) {
        config::AccountConfig account;
        account.name = name;
        account.host = name + ".example";
        account.user = name;
        account.password = Secret("secret of " + name);
        account.recipients = {*mail::Address::parse(name + "@localhost")};
        account.deliver_to = {"local"};
        return account;
    }

    test::FakeSource& mailbox(const std::string& name) {
        return sources.try_emplace(name, loop).first->second;
    }

    Roster::Applied apply(std::vector<config::AccountConfig> accounts) {
        config::Config config;
        config.accounts = accounts;
        return roster.apply(std::move(accounts), {}, config::secret_variables(config));
    }
    [[nodiscard]] const Tally& tally(const std::string& name) const {
        return roster.members().find(name)->second.keeper->tally();
    }
    [[nodiscard]] State state(const std::string& name) const {
        return roster.view(roster.members().find(name)->second).state;
    }

    test::SimLoop loop;
    test::NullLog log;
    test::MemoryLedger ledger{loop};
    test::FakeHeldStore held{loop};
    engine::MemoryBudget memory{loop, 256UL * 1024 * 1024};
    engine::Services services{loop, ledger, held, memory, log, "here.example.net"};
    test::SimWorker worker{loop};
    config::Environment environment;
    std::map<std::string, test::FakeSource> sources;
    test::FakeSink* fake_sink = nullptr;
    std::shared_ptr<Outlet> outlet;
    std::vector<std::string> passwords;        ///< that sources were made with
    std::vector<std::string> proxy_passwords;  ///< ... of accounts with a proxy
    std::size_t tokens = 0;                    ///< ... with a way to fetch a token
    std::vector<std::string> fatal;
    std::size_t ended = 0;
    Roster roster{
        {services, worker, environment,
         [this](const config::AccountConfig& made) {
             passwords.emplace_back(made.password.reveal());
             if (made.proxy) {
                 proxy_passwords.emplace_back(made.proxy->password.reveal());
             }
             tokens += made.fetch_token.run ? 1U : 0U;
             return std::make_unique<LentSource>(mailbox(made.name));
         },
         [this](const std::string&) { return outlet; }},
        {},
        {[this] { ++ended; }, [this](const Error& error) { fatal.push_back(error.text); }}};
};

}  // namespace postrider::app
