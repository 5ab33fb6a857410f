#include "config/password.h"

#include <array>
#include <string>
#include <utility>

#include "config/command_line.h"
#include "config/scalars.h"

namespace postrider::config {

namespace {

using Kind = PasswordSource::Kind;

constexpr Duration kLongestCommand = std::chrono::minutes(5);
constexpr Duration kLongestLifetime = std::chrono::hours(24 * 365);

void read_file_source(Reader& reader, const Value& value, PasswordSource& into) {
    std::string path;
    reader.path(value, path);
    into.kind = Kind::file;
    into.words = {std::move(path)};
}

void read_variable_source(Reader& reader, const Value& value, PasswordSource& into) {
    std::string name;
    reader.text(value, name);
    if (name.find_first_of(std::string_view("=\0", 2)) != std::string::npos) {
        reader.report(value, "is no name of an environment variable");
    }
    into.kind = Kind::variable;
    into.words = {std::move(name)};
}

/// systemd forbids what could leave $CREDENTIALS_DIRECTORY; so do we.
void read_credential_source(Reader& reader, const Value& value, PasswordSource& into) {
    std::string name;
    reader.text(value, name);
    if (name.find_first_of(std::string_view("/\0", 2)) != std::string::npos || name == "." ||
        name == "..") {
        reader.report(value, "is no name of a credential: it cannot hold a slash");
    }
    into.kind = Kind::credential;
    into.words = {std::move(name)};
}

void read_command_source(Reader& reader, const Value& value, PasswordSource& into) {
    into.kind = Kind::command;
    read_command_line(reader, value, into.words);
}

void read_timeout(Reader& reader, const Value& value, PasswordSource& into) {
    if (const auto duration = reader.duration(value, std::chrono::seconds(1), kLongestCommand)) {
        into.timeout = *duration;
    }
}

void read_lifetime(Reader& reader, const Value& value, PasswordSource& into) {
    into.lifetime = reader.duration(value, std::chrono::seconds(1), kLongestLifetime);
}

/// The places first, of which there is one; the others say how a command is used.
constexpr std::size_t kPlaces = 4;
constexpr std::array<Key<PasswordSource>, 6> kKeys = {{
    {"file", read_file_source},
    {"env", read_variable_source},
    {"credential", read_credential_source},
    {"command", read_command_source},
    {"timeout", read_timeout},
    {"lifetime", read_lifetime},
}};

void read_plain(Reader& reader, const Value& value, Secret& password) {
    const SourceFile& file = reader.file_of(value);
    if (const auto reason = exposure(file.facts)) {
        reader.report(value, "stands here in plain text, but " + *reason + " " + file.name);
    }
    if (const auto fault = password_fault(value.text.reveal())) {
        reader.report(value, *fault);
    }
    password = value.text;
}

/// Whether it is a map that names one place, and nothing that is unknown or no matter there.
bool names_a_place(const Value& value) {
    if (value.kind != Value::Kind::map) {
        return false;
    }
    const auto known = names_of(password_keys());
    std::size_t places = 0;
    bool is_command = false;
    for (const Entry& entry : value.entries) {
        const auto found = std::find(known.begin(), known.end(), entry.key);
        if (found == known.end()) {
            return false;
        }
        places += found - known.begin() < static_cast<std::ptrdiff_t>(kPlaces) ? 1U : 0U;
        is_command = is_command || entry.key == "command";
    }
    return places == 1 && (is_command || value.entries.size() == 1);
}

/// Anything else is answered with `forms`.
void read_source(Reader& reader, const Value& value, std::string_view forms, PasswordSource& into) {
    if (!names_a_place(value)) {
        reader.report(value, std::string(forms));
        return;
    }
    for (const auto& entry : value.entries) {
        read_entry(reader, entry, password_keys(), into);
    }
}

void read_secret(Reader& reader, const Value& value, PasswordSource& source, Secret& password) {
    password = Secret();
    source = PasswordSource();
    source.place = reader.place_of(value);
    if (value.kind == Value::Kind::scalar) {
        read_plain(reader, value, password);
        return;
    }
    if (value.kind == Value::Kind::unusable) {
        return;
    }
    read_source(reader, value,
                "must be text, or one of {file: ...}, {env: ...}, {credential: ...}, "
                "{command: [...], timeout: ..., lifetime: ...}; quote a password that begins with "
                "a special character",
                source);
}

}  // namespace

Keys<PasswordSource> password_keys() {
    return kKeys;
}

void read_password(Reader& reader, const Value& value, AccountConfig& account) {
    read_secret(reader, value, account.password_source, account.password);
}

void read_password(Reader& reader, const Value& value, DestinationConfig& destination) {
    read_secret(reader, value, destination.password_source, destination.password);
}

void read_password(Reader& reader, const Value& value, ProxyConfig& proxy) {
    read_secret(reader, value, proxy.password_source, proxy.password);
}

void read_token(Reader& reader, const Value& value, AccountConfig& account) {
    account.token_source.emplace();
    account.token_source->place = reader.place_of(value);
    if (value.kind != Value::Kind::unusable) {
        read_source(reader, value,
                    "must be one of {command: [...], timeout: ...}, {file: ...}, {env: ...}, "
                    "{credential: ...}",
                    *account.token_source);
        if (account.token_source->lifetime) {
            reader.report(value, "a token is fetched for every session: lifetime is for passwords");
        }
    }
}

}  // namespace postrider::config
