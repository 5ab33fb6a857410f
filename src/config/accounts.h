#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "postrider/config/config.h"

#include "config/destinations.h"
#include "config/providers.h"
#include "config/reader.h"

namespace postrider::config {

/// An account, or the defaults of all, while it is read.
struct AccountDraft {
    AccountConfig account;
    const Destinations* destinations = nullptr;  ///< those that deliver_to can name
};

[[nodiscard]] Keys<AccountDraft> account_keys();
[[nodiscard]] Keys<AccountTimeouts> account_timeout_keys();

/// Reads the `defaults` and `accounts` sections of all files. First every read_defaults(), then
/// every read_accounts(): each account begins as a copy of the defaults.
class AccountsReader {
  public:
    /// Both outlive this reader; the destinations are complete.
    AccountsReader(Reader& reader, const Destinations& destinations);

    /// A key that another file has set is told.
    void read_defaults(const Value& section);
    void read_accounts(const Value& section);

    [[nodiscard]] std::vector<AccountConfig> take() { return std::move(accounts_); }

  private:
    [[nodiscard]] const Entry* find(const Value& account, std::string_view key) const;
    [[nodiscard]] const Provider* provider_of(const Value& account) const;
    void apply_provider(const Value& account, AccountDraft& draft);
    void complete(const Entry& entry, AccountDraft& draft);
    void check_complete(const Entry& entry);
    void check_login(const Entry& entry, const AccountConfig& account);
    void check_way(const Entry& entry, const AccountConfig& account);
    void check_cleartext(const Entry& entry, const AccountConfig& account);

    Reader& reader_;
    AccountDraft defaults_;
    std::unordered_map<std::string_view, const Entry*> default_entries_;
    std::unordered_map<std::string, std::size_t> index_;  ///< in accounts_, by name
    std::vector<AccountConfig> accounts_;
};

}  // namespace postrider::config
