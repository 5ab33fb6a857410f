#include "store/records.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Exception.h>
#include <sqlite3.h>

#include "postrider/base/text.h"

namespace postrider::store {
namespace {

/// A statement in use: bound values and the read lock are let go on every way out.
class Use {
  public:
    explicit Use(SQLite::Statement& statement) : statement_(statement) {}
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    ~Use() { statement_.tryReset(); }

    void bind(std::int64_t value) { statement_.bind(++bound_, value); }
    void bind(std::optional<WallTime> time) {
        if (time) {
            bind(std::int64_t{time->time_since_epoch().count()});
        } else {
            statement_.bind(++bound_);
        }
    }
    /// `octets` must stay as they are until the end of this use.
    void bind_blob(const void* octets, std::size_t size) {
        statement_.bindNoCopy(++bound_, octets, static_cast<int>(size));
    }
    void bind_text(const std::string& text) { statement_.bindNoCopy(++bound_, text); }
    void bind_null() { statement_.bind(++bound_); }

    bool step() { return statement_.executeStep(); }
    SQLite::Statement* operator->() { return &statement_; }

  private:
    SQLite::Statement& statement_;
    int bound_ = 0;
};

[[noreturn]] void damaged(const char* what) {
    throw SQLite::Exception(what, SQLITE_CORRUPT);
}

std::string octets_of(const SQLite::Column& column) {
    // A blob of no octets has no address.
    const void* const octets = column.getBlob();
    return octets == nullptr ? std::string()
                             : std::string(static_cast<const char*>(octets),
                                           static_cast<std::size_t>(column.getBytes()));
}

WallTime time_of(const SQLite::Column& column) {
    return WallTime(WallTime::duration(column.getInt64()));
}

std::optional<WallTime> optional_time_of(const SQLite::Column& column) {
    return column.isNull() ? std::nullopt : std::optional(time_of(column));
}

std::optional<mail::Digest> digest_of(const SQLite::Column& column) {
    if (column.isNull()) {
        return std::nullopt;
    }
    const std::string octets = octets_of(column);
    mail::Digest digest{};
    if (octets.size() != digest.size()) {
        damaged("a record has a digest of another size");
    }
    std::copy(octets.begin(), octets.end(), digest.begin());
    return digest;
}

Phase phase_of(const SQLite::Column& column) {
    const int number = column.getInt();
    if (number < 0 || number > static_cast<int>(Phase::skipped)) {
        damaged("a record has an unknown phase");
    }
    return static_cast<Phase>(number);
}

std::vector<std::string> strings_of(const SQLite::Column& column) {
    auto strings = parse_netstrings(octets_of(column));
    if (!strings) {
        damaged("a record has unreadable recipients or destinations");
    }
    return *std::move(strings);
}

std::string to_words(const std::map<std::string, WallTime>& quirks) {
    std::string words;
    for (const auto& [name, until] : quirks) {
        words += (words.empty() ? "" : " ") + name + "=" +
                 std::to_string(until.time_since_epoch().count());
    }
    return words;
}

std::map<std::string, WallTime> quirks_of(const SQLite::Column& column) {
    std::map<std::string, WallTime> quirks;
    const std::string words = octets_of(column);
    std::string_view rest = words;
    for (std::string_view word = next_word(rest); !word.empty(); word = next_word(rest)) {
        const std::size_t sign = word.find('=');
        const auto until =
            sign == std::string_view::npos ? std::nullopt : parse_unsigned(word.substr(sign + 1));
        if (!until) {
            damaged("an account has unreadable quirks");
        }
        quirks.emplace(word.substr(0, sign),
                       WallTime(WallTime::duration(static_cast<std::int64_t>(*until))));
    }
    return quirks;
}

constexpr const char* kLoadMessages =
    "SELECT uid, occurrence, listed_size, sha256, phase, first_seen, delivered_at, failures, "
    "failing_since, retry_after, absent_since, settled, held_copy, awaits_quit, note, in_doubt "
    "FROM "
    "messages WHERE account = ?";

MessageRecord record_of(const SQLite::Statement& row) {
    MessageRecord record;
    record.key.uid = octets_of(row.getColumn(0));
    record.key.occurrence = row.getColumn(1).getUInt();
    record.listed_size = static_cast<std::uint64_t>(row.getColumn(2).getInt64());
    record.sha256 = digest_of(row.getColumn(3));
    record.phase = phase_of(row.getColumn(4));
    record.first_seen = time_of(row.getColumn(5));
    record.delivered_at = optional_time_of(row.getColumn(6));
    record.failures = row.getColumn(7).getUInt();
    record.failing_since = optional_time_of(row.getColumn(8));
    record.retry_after = optional_time_of(row.getColumn(9));
    record.absent_since = optional_time_of(row.getColumn(10));
    record.settled_recipients = strings_of(row.getColumn(11));
    record.held_copy = row.getColumn(12).getInt() != 0;
    record.awaits_quit = row.getColumn(13).getInt() != 0;
    record.note = octets_of(row.getColumn(14));
    record.in_doubt = strings_of(row.getColumn(15));
    return record;
}

constexpr const char* kPutMessage =
    "INSERT INTO messages (account, uid, occurrence, listed_size, sha256, phase, first_seen, "
    "delivered_at, failures, failing_since, retry_after, absent_since, settled, held_copy, "
    "awaits_quit, note, in_doubt) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT DO UPDATE SET listed_size = excluded.listed_size, sha256 = excluded.sha256, "
    "phase = excluded.phase, first_seen = excluded.first_seen, "
    "delivered_at = excluded.delivered_at, failures = excluded.failures, "
    "failing_since = excluded.failing_since, retry_after = excluded.retry_after, "
    "absent_since = excluded.absent_since, settled = excluded.settled, held_copy = "
    "excluded.held_copy, awaits_quit = excluded.awaits_quit, note = excluded.note, in_doubt = "
    "excluded.in_doubt";

}  // namespace

Records::Records(SQLite::Database& database)
    : find_account_(database, "SELECT id FROM accounts WHERE name = ?"),
      add_account_(database, "INSERT INTO accounts (name) VALUES (?) RETURNING id"),
      put_state_(database, "UPDATE accounts SET needs_settling = ?, quirks = ? WHERE id = ?"),
      load_state_(database, "SELECT needs_settling, quirks FROM accounts WHERE id = ?"),
      load_messages_(database, kLoadMessages),
      put_message_(database, kPutMessage),
      forget_message_(database,
                      "DELETE FROM messages WHERE account = ? AND uid = ? AND occurrence = ?") {}

AccountRecords Records::load(const std::string& account) {
    AccountRecords records;
    const auto id = find_account(account);
    if (!id) {
        return records;
    }
    records.known = true;
    Use state(load_state_);
    state.bind(*id);
    if (!state.step()) {
        damaged("an account has vanished");
    }
    records.state.needs_settling = state->getColumn(0).getInt() != 0;
    records.state.quirks = quirks_of(state->getColumn(1));
    Use messages(load_messages_);
    messages.bind(*id);
    while (messages.step()) {
        records.messages.push_back(record_of(load_messages_));
    }
    return records;
}

void Records::apply(const std::string& account, const std::vector<Change>& changes) {
    const std::int64_t id = find_or_add_account(account);
    for (const Change& change : changes) {
        if (const auto* const put_record = std::get_if<PutMessage>(&change)) {
            put(id, put_record->record);
        } else if (const auto* const forgotten = std::get_if<ForgetMessage>(&change)) {
            forget(id, forgotten->key);
        } else {
            put(id, std::get<PutState>(change).state);
        }
    }
}

std::vector<std::string> Records::take_new_accounts() {
    return std::exchange(new_accounts_, {});
}

std::optional<std::int64_t> Records::find_account(const std::string& name) {
    if (const auto cached = account_ids_.find(name); cached != account_ids_.end()) {
        return cached->second;
    }
    Use find(find_account_);
    find.bind_text(name);
    if (!find.step()) {
        return std::nullopt;
    }
    return account_ids_[name] = find->getColumn(0).getInt64();
}

std::int64_t Records::find_or_add_account(const std::string& name) {
    if (const auto known = find_account(name)) {
        return *known;
    }
    Use add(add_account_);
    add.bind_text(name);
    if (!add.step()) {
        damaged("an account got no number");
    }
    new_accounts_.push_back(name);
    return account_ids_[name] = add->getColumn(0).getInt64();
}

void Records::put(std::int64_t account, const MessageRecord& record) {
    const std::string settled = to_netstrings(record.settled_recipients);
    const std::string in_doubt = to_netstrings(record.in_doubt);
    Use use(put_message_);
    use.bind(account);
    use.bind_blob(record.key.uid.data(), record.key.uid.size());
    use.bind(std::int64_t{record.key.occurrence});
    use.bind(static_cast<std::int64_t>(record.listed_size));
    if (record.sha256) {
        use.bind_blob(record.sha256->data(), record.sha256->size());
    } else {
        use.bind_null();
    }
    use.bind(static_cast<std::int64_t>(record.phase));
    use.bind(std::optional(record.first_seen));
    use.bind(record.delivered_at);
    use.bind(std::int64_t{record.failures});
    use.bind(record.failing_since);
    use.bind(record.retry_after);
    use.bind(record.absent_since);
    use.bind_blob(settled.data(), settled.size());
    use.bind(std::int64_t{record.held_copy ? 1 : 0});
    use.bind(std::int64_t{record.awaits_quit ? 1 : 0});
    use.bind_text(record.note);
    use.bind_blob(in_doubt.data(), in_doubt.size());
    use.step();
}

void Records::forget(std::int64_t account, const MessageKey& key) {
    Use use(forget_message_);
    use.bind(account);
    use.bind_blob(key.uid.data(), key.uid.size());
    use.bind(std::int64_t{key.occurrence});
    use.step();
}

void Records::put(std::int64_t account, const AccountState& state) {
    Use use(put_state_);
    const std::string quirks = to_words(state.quirks);
    use.bind(std::int64_t{state.needs_settling ? 1 : 0});
    use.bind_text(quirks);
    use.bind(account);
    use.step();
}

std::string to_netstrings(const std::vector<std::string>& strings) {
    std::string octets;
    for (const std::string& string : strings) {
        octets += std::to_string(string.size()) + ":" + string + ",";
    }
    return octets;
}

std::optional<std::vector<std::string>> parse_netstrings(std::string_view octets) {
    std::vector<std::string> strings;
    while (!octets.empty()) {
        const std::size_t colon = octets.find(':');
        if (colon == std::string_view::npos) {
            return std::nullopt;
        }
        const auto size = parse_unsigned(octets.substr(0, colon));
        octets.remove_prefix(colon + 1);
        if (!size || *size >= octets.size() || octets[*size] != ',') {
            return std::nullopt;
        }
        strings.emplace_back(octets.substr(0, *size));
        octets.remove_prefix(*size + 1);
    }
    return strings;
}

}  // namespace postrider::store
