#include "config/root.h"

#include <array>

#include <fmt/format.h>

#include "config/daemon_keys.h"

namespace postrider::config {

namespace {

constexpr std::array<Choice<LogLevel>, 4> kLogLevels = {{
    {"debug", LogLevel::debug},
    {"info", LogLevel::info},
    {"warn", LogLevel::warn},
    {"error", LogLevel::error},
}};

constexpr std::array<Choice<LogFormat>, 2> kLogFormats = {{
    {"text", LogFormat::text},
    {"json", LogFormat::json},
}};

void read_log_level(Reader& reader, const Value& value, LogConfig& into) {
    read_choice(reader, value, kLogLevels, into.level);
}

void read_log_format(Reader& reader, const Value& value, LogConfig& into) {
    read_choice(reader, value, kLogFormats, into.format);
}

constexpr std::array<Key<LogConfig>, 2> kLogKeys = {{
    {"level", read_log_level},
    {"format", read_log_format},
}};

/// One account in flight may hold 4 MiB (design section 6): less for all could carry nobody.
void read_memory(Reader& reader, const Value& value, Limits& into) {
    constexpr std::uint64_t kLeast = 4ULL * 1024 * 1024;
    const auto size = reader.size(value);
    if (size && *size < kLeast) {
        reader.report(value, "must be at least 4MiB, what one account may need");
    } else if (size) {
        into.memory = *size;
    }
}

constexpr std::array<Key<Limits>, 4> kLimitKeys = {{
    {"polls", read_number<&Limits::polls, 1, 100'000>},
    {"polls_per_host", read_number<&Limits::polls_per_host, 1, 100'000>},
    {"memory", read_memory},
    {"stop_timeout", read_deadline<&Limits::stop_timeout>},
}};

void read_state_dir(Reader& reader, const Value& value, RootDraft& into) {
    reader.path(value, into.config.state_dir);
}

void read_log(Reader& reader, const Value& value, RootDraft& into) {
    read_section(reader, value, log_keys(), into.config.log);
}

void read_limits(Reader& reader, const Value& value, RootDraft& into) {
    read_section(reader, value, limit_keys(), into.config.limits);
}

void note_destinations(Reader& /*reader*/, const Value& value, RootDraft& into) {
    into.destinations.push_back(&value);
}

void note_defaults(Reader& /*reader*/, const Value& value, RootDraft& into) {
    into.defaults.push_back(&value);
}

void note_accounts(Reader& /*reader*/, const Value& value, RootDraft& into) {
    into.accounts.push_back(&value);
}

/// `include` was followed before the files are read.
void skip_include(Reader& /*reader*/, const Value& /*value*/, RootDraft& /*into*/) {}

void refuse_included(Reader& reader, const Value& value, RootDraft& /*into*/) {
    reader.report(value,
                  fmt::format("can only stand in the main file, {}", reader.files().front().name));
}

constexpr std::array<Key<RootDraft>, 13> kMainKeys = {{
    {"state_dir", read_state_dir},
    {"user", read_user},
    {"allow_root", read_allow_root},
    {"sandbox", read_sandbox},
    {"log", read_log},
    {"limits", read_limits},
    {"include", skip_include},
    {"destinations", note_destinations},
    {"defaults", note_defaults},
    {"accounts", note_accounts},
    {"metrics", read_metrics},
    {"control", read_control},
    {"alerts", read_alerts},
}};

constexpr std::array<Key<RootDraft>, 13> kIncludedKeys = {{
    {"state_dir", refuse_included},
    {"user", refuse_included},
    {"allow_root", refuse_included},
    {"sandbox", refuse_included},
    {"log", refuse_included},
    {"limits", refuse_included},
    {"include", refuse_included},
    {"destinations", note_destinations},
    {"defaults", note_defaults},
    {"accounts", note_accounts},
    {"metrics", refuse_included},
    {"control", refuse_included},
    {"alerts", refuse_included},
}};

}  // namespace

Keys<RootDraft> main_keys() {
    return kMainKeys;
}

Keys<RootDraft> included_keys() {
    return kIncludedKeys;
}

Keys<LogConfig> log_keys() {
    return kLogKeys;
}

Keys<Limits> limit_keys() {
    return kLimitKeys;
}

}  // namespace postrider::config
