#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include "postrider/store/ledger.h"

namespace postrider::store {

/// Records in tables and back, with prepared statements. Transactions are the caller's matter.
/// Everything throws SQLite::Exception.
class Records {
  public:
    /// The database has the newest schema and outlives this.
    explicit Records(SQLite::Database& database);

    [[nodiscard]] AccountRecords load(const std::string& account);

    /// An account becomes known by its first change set, even an empty one.
    void apply(const std::string& account, const std::vector<Change>& changes);

    /// To be called after a rollback.
    void forget_cached() { account_ids_.clear(); }

    /// Changes not undone yet that made accounts known: their names. Empties the list.
    [[nodiscard]] std::vector<std::string> take_new_accounts();

  private:
    [[nodiscard]] std::optional<std::int64_t> find_account(const std::string& name);
    [[nodiscard]] std::int64_t find_or_add_account(const std::string& name);
    void put(std::int64_t account, const MessageRecord& record);
    void forget(std::int64_t account, const MessageKey& key);
    void put(std::int64_t account, const AccountState& state);

    SQLite::Statement find_account_;
    SQLite::Statement add_account_;
    SQLite::Statement put_state_;
    SQLite::Statement load_state_;
    SQLite::Statement load_messages_;
    SQLite::Statement put_message_;
    SQLite::Statement forget_message_;

    std::unordered_map<std::string, std::int64_t> account_ids_;
    std::vector<std::string> new_accounts_;
};

/// Strings one after the other as netstrings ("5:alice,"): any octets come back as they were.
[[nodiscard]] std::string to_netstrings(const std::vector<std::string>& strings);

/// Nothing if the octets are no row of netstrings.
[[nodiscard]] std::optional<std::vector<std::string>> parse_netstrings(std::string_view octets);

}  // namespace postrider::store
