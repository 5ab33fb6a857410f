#include "config/password.h"

#include <array>
#include <string>
#include <utility>

#include "config/command_line.h"
#include "config/scalars.h"

namespace postrider::config {

namespace {

using Kind = PasswordSource::Kind;

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

constexpr std::array<Key<PasswordSource>, 4> kKeys = {{
    {"file", read_file_source},
    {"env", read_variable_source},
    {"credential", read_credential_source},
    {"command", read_command_source},
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

/// A map with just one of the keys; anything else is answered with `forms`.
void read_source(Reader& reader, const Value& value, std::string_view forms, PasswordSource& into) {
    const bool has_one_key = value.kind == Value::Kind::map && value.entries.size() == 1;
    const auto known = names_of(password_keys());
    if (!has_one_key ||
        std::find(known.begin(), known.end(), value.entries.front().key) == known.end()) {
        reader.report(value, std::string(forms));
        return;
    }
    read_entry(reader, value.entries.front(), password_keys(), into);
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
                "{command: [...]}; quote a password that begins with a special character",
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
                    "must be one of {command: [...]}, {file: ...}, {env: ...}, {credential: ...}",
                    *account.token_source);
    }
}

}  // namespace postrider::config
