#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "postrider/event/loop.h"
#include "postrider/store/sqlite_ledger.h"
#include "postrider/store/state_dir.h"

#include "support/temp_dir.h"
#include "unit/store/ledger_contract.h"

namespace postrider::store::test {

/// Runs a real loop until `predicate` holds; false after a minute.
inline bool run_until(event::Loop& loop, const std::function<bool()>& predicate) {
    const MonotonicTime deadline = loop.now() + std::chrono::minutes(1);
    std::unique_ptr<event::Timer> look;
    look = loop.make_timer([&] {
        if (predicate() || loop.now() > deadline) {
            loop.stop();
        } else {
            look->arm(std::chrono::milliseconds(1));
        }
    });
    look->arm(Duration::zero());
    loop.run();
    return predicate();
}

/// A SQLite ledger in a directory of its own, on the loop of the program.
class SqliteFixture {
  public:
    SqliteFixture() { open(); }

    event::Loop& loop() { return *loop_; }
    Ledger& ledger() { return *ledger_; }
    void destroy_ledger() { ledger_.reset(); }
    bool until(const std::function<bool()>& predicate) { return run_until(*loop_, predicate); }

    /// Ends the ledger and lets the directory go.
    void close() {
        ledger_.reset();
        state_.reset();
    }

    /// Opens; the error if that fails.
    std::optional<Error> try_open(const LedgerOptions& options = {}) {
        auto state = StateDir::open(state_path());
        if (!state) {
            return state.error();
        }
        state_.emplace(*std::move(state));
        auto ledger = open_ledger(*loop_, *state_, options);
        if (!ledger) {
            state_.reset();
            return ledger.error();
        }
        ledger_ = *std::move(ledger);
        return std::nullopt;
    }
    void open(const LedgerOptions& options = {}) {
        const auto error = try_open(options);
        ASSERT_FALSE(error.has_value()) << error->text;
    }

    Expected<std::unique_ptr<Ledger>> open_read_only(const LedgerOptions& options = {}) {
        return open_ledger_read_only(*loop_, state_path(), options);
    }

    [[nodiscard]] std::string state_path() const { return directory_ / "state"; }
    [[nodiscard]] std::string path_of(const std::string& name) const {
        return state_path() + "/" + name;
    }

  private:
    postrider::test::TempDir directory_;
    std::unique_ptr<event::Loop> loop_ = event::make_libevent_loop();
    std::optional<StateDir> state_;
    std::unique_ptr<Ledger> ledger_;
};

/// Any ledger, for Client.
class BorrowedLedger {
  public:
    BorrowedLedger(SqliteFixture& fixture, Ledger& ledger) : fixture_(fixture), ledger_(ledger) {}
    Ledger& ledger() { return ledger_; }
    bool until(const std::function<bool()>& predicate) { return fixture_.until(predicate); }

  private:
    SqliteFixture& fixture_;
    Ledger& ledger_;
};

}  // namespace postrider::store::test
