#include "postrider/config/secrets.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "postrider/base/text.h"

#include "config/command.h"
#include "config/file.h"
#include "config/scalars.h"

namespace postrider::config {

namespace {

using Kind = PasswordSource::Kind;

std::string path_of(const AccountConfig& account) {
    return "accounts." + account.name + ".";
}

std::string path_of(const DestinationConfig& destination) {
    return "destinations." + destination.name + ".";
}

/// Up to the first line end, LF or CRLF.
std::string_view first_line(std::string_view text) {
    text = text.substr(0, text.find('\n'));
    if (!text.empty() && text.back() == '\r') {
        text.remove_suffix(1);
    }
    return text;
}

Expected<std::string> credential_path(const std::string& name, const Environment& environment) {
    const auto directory = environment.variable("CREDENTIALS_DIRECTORY");
    if (!directory) {
        return failure(Errc::config, Retry::never,
                       "credential " + name +
                           " cannot be had: CREDENTIALS_DIRECTORY is not set; systemd sets it for "
                           "a unit with LoadCredential=");
    }
    return std::filesystem::path(*directory) / name;
}

Error about(const std::string& subject, const Error& error) {
    return {error.code, error.retry, subject + " " + error.text};
}

Error exposed(const std::string& path, const std::string& reason) {
    return {Errc::config, Retry::never, path + ": " + reason + " " + path};
}

Expected<Secret> read_secret_file(const std::string& path, bool must_be_private) {
    auto content = read_file(path, kMaxSecret);
    if (!content) {
        return failure(about(path, content.error()));
    }
    const Secret all(std::move(content->bytes));
    if (const auto reason = exposure(content->facts); reason && must_be_private) {
        return failure(exposed(path, *reason));
    }
    return Secret(std::string(first_line(all.reveal())));
}

Environment for_commands(const Config& config, const Environment& environment) {
    Environment result = environment;
    for (const std::string& name : secret_variables(config)) {
        result.variables.erase(name);
    }
    return result;
}

Expected<Secret> output_of(const PasswordSource& source, const Environment& environment) {
    const auto output = run_command(source.words, environment, {source.timeout, kMaxSecret});
    if (!output) {
        return failure(about(source.words.front(), output.error()));
    }
    return Secret(std::string(first_line(output->reveal())));
}

Expected<Secret> fetch(const PasswordSource& source, const Environment& environment,
                       const Environment& command_environment) {
    switch (source.kind) {
        case Kind::plain:
            break;
        case Kind::file:
            return read_secret_file(source.words.front(), true);
        case Kind::variable: {
            const auto value = environment.variable(source.words.front());
            if (!value) {
                return failure(Errc::config, Retry::never,
                               "environment variable " + source.words.front() + " is not set");
            }
            return Secret(*value);
        }
        case Kind::credential: {
            // systemd made the directory for this unit alone; modes inside are its business.
            return credential_path(source.words.front(), environment)
                .and_then([](const std::string& path) { return read_secret_file(path, false); });
        }
        case Kind::command:
            return output_of(source, command_environment);
    }
    return Secret();
}

/// A program that fetches tokens asks others over the network: its failing may pass.
std::function<Expected<Secret>()> token_fetcher(const PasswordSource& source,
                                                const Environment& environment,
                                                const Environment& command_environment) {
    return [source, environment, command_environment]() -> Expected<Secret> {
        auto token = fetch(source, environment, command_environment);
        if (!token) {
            Error error = token.error().in("token");
            if (source.kind == Kind::command) {
                error.code = Errc::busy;
                error.retry = Retry::later;
            }
            return failure(std::move(error));
        }
        return Secret(std::string(trimmed(token->reveal())));
    };
}

std::optional<std::string> readable_fault(const std::string& path, bool must_be_private) {
    const auto facts = inspect_file(path);
    if (!facts) {
        return about(path, facts.error()).text;
    }
    if (const auto reason = exposure(*facts); reason && must_be_private) {
        return exposed(path, *reason).text;
    }
    return std::nullopt;
}

/// What can be said without running anything; secrets read on the way are dropped.
std::optional<std::string> source_fault(const PasswordSource& source,
                                        const Environment& environment, std::string_view what) {
    if (source.kind == Kind::plain) {
        return std::nullopt;
    }
    if (source.kind == Kind::command) {
        if (find_program(source.words.front(), environment)) {
            return std::nullopt;
        }
        return source.words.front() + " there is no such program, or it cannot be run";
    }
    const auto secret = fetch(source, environment, environment);
    if (!secret) {
        return secret.error().text;
    }
    const auto fault = password_fault(secret->reveal());
    return fault ? std::optional(fmt::format("the {} {}", what, *fault)) : std::nullopt;
}

void check_password(const PasswordSource& source, const std::string& owner,
                    const Environment& environment, std::vector<Problem>& problems) {
    if (const auto fault = source_fault(source, environment, "password")) {
        problems.push_back({source.place, owner + "password", *fault});
    }
}

struct NamedFile {
    std::string_view key;
    const std::string& path;  ///< may be empty
    bool is_secret = false;
};

void check_file(const NamedFile& file, const Place& place, const std::string& owner,
                std::vector<Problem>& problems) {
    if (file.path.empty()) {
        return;
    }
    if (const auto fault = readable_fault(file.path, file.is_secret)) {
        problems.push_back({place, owner + std::string(file.key), *fault});
    }
}

void check_account(const AccountConfig& account, const Environment& environment,
                   std::vector<Problem>& problems) {
    const std::string path = path_of(account);
    check_password(account.password_source, path, environment, problems);
    if (account.proxy) {
        check_password(account.proxy->password_source, path + "proxy.", environment, problems);
    }
    if (const auto& token = account.token_source) {
        if (const auto fault = source_fault(*token, environment, "token")) {
            problems.push_back({token->place, path + "token", *fault});
        }
    }
    for (const NamedFile& file :
         {NamedFile{"tls_ca_file", account.tls_ca_file},
          NamedFile{"tls_client_certificate", account.tls_client_certificate},
          NamedFile{"tls_client_key", account.tls_client_key, true}}) {
        check_file(file, account.place, path, problems);
    }
}

bool is_named(std::span<const std::string> names, const std::string& name) {
    return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

/// Does one of those accounts deliver there?
bool is_used(const DestinationConfig& destination, const Config& config,
             std::span<const std::string> accounts) {
    return accounts.empty() ||
           std::any_of(
               config.accounts.begin(), config.accounts.end(), [&](const AccountConfig& account) {
                   const auto& there = account.deliver_to;
                   return is_named(accounts, account.name) &&
                          (account.bounce_via == destination.name ||
                           std::find(there.begin(), there.end(), destination.name) != there.end());
               });
}

/// Fetches the password of an account, a destination or a proxy, which stands at `path`.
template <class Owner>
void resolve(Owner& owner, const std::string& path, const Environment& environment,
             const Environment& command_environment, std::vector<Problem>& problems) {
    const PasswordSource& source = owner.password_source;
    if (source.kind == Kind::plain) {
        return;
    }
    const std::string key_path = path + "password";
    auto secret = fetch(source, environment, command_environment);
    if (!secret) {
        problems.push_back({source.place, key_path, secret.error().text});
    } else if (const auto fault = password_fault(secret->reveal())) {
        problems.push_back({source.place, key_path, "the password " + *fault});
    } else {
        owner.password = std::move(*secret);
    }
}

}  // namespace

std::vector<Problem> resolve_secrets(Config& config, const Environment& environment,
                                     std::span<const std::string> accounts) {
    std::vector<Problem> problems;
    const Environment command_environment = for_commands(config, environment);
    for (auto& [name, destination] : config.destinations) {
        if (is_used(destination, config, accounts)) {
            resolve(destination, path_of(destination), environment, command_environment, problems);
        }
    }
    for (AccountConfig& account : config.accounts) {
        if (account.token_source) {
            account.fetch_token.run =
                token_fetcher(*account.token_source, environment, command_environment);
        }
        if (!is_named(accounts, account.name)) {
            continue;
        }
        const std::string& key = account.tls_client_key;
        if (const auto fault = key.empty() ? std::nullopt : readable_fault(key, true)) {
            problems.push_back({account.place, path_of(account) + "tls_client_key", *fault});
        }
        resolve(account, path_of(account), environment, command_environment, problems);
        if (account.proxy) {
            resolve(*account.proxy, path_of(account) + "proxy.", environment, command_environment,
                    problems);
        }
    }
    return problems;
}

std::vector<Problem> resolve_destination_secrets(Config& config, const Environment& environment) {
    std::vector<Problem> problems;
    const Environment command_environment = for_commands(config, environment);
    for (auto& [name, destination] : config.destinations) {
        resolve(destination, path_of(destination), environment, command_environment, problems);
    }
    return problems;
}

std::set<std::string> secret_variables(const Config& config) {
    std::set<std::string> names;
    const auto take = [&names](const PasswordSource& source) {
        if (source.kind == Kind::variable) {
            names.insert(source.words.front());
        }
    };
    for (const AccountConfig& account : config.accounts) {
        take(account.password_source);
        if (account.proxy) {
            take(account.proxy->password_source);
        }
        if (account.token_source) {
            take(*account.token_source);
        }
    }
    for (const auto& [name, destination] : config.destinations) {
        take(destination.password_source);
    }
    return names;
}

std::vector<Problem> check_files(const Config& config, const Environment& environment) {
    std::vector<Problem> problems;
    for (const auto& [name, destination] : config.destinations) {
        check_password(destination.password_source, path_of(destination), environment, problems);
        check_file({"tls_ca_file", destination.tls_ca_file}, destination.place,
                   path_of(destination), problems);
    }
    for (const AccountConfig& account : config.accounts) {
        check_account(account, environment, problems);
    }
    return problems;
}

}  // namespace postrider::config
