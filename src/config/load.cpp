#include "postrider/config/load.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <utility>

#include "config/accounts.h"
#include "config/destinations.h"
#include "config/file_set.h"
#include "config/reader.h"
#include "config/root.h"

namespace postrider::config {

namespace {

namespace fs = std::filesystem;

/// Nothing if the environment says too little.
std::optional<std::string> default_state_dir(const Environment& environment) {
    if (const auto given = environment.variable("STATE_DIRECTORY")) {
        return given->substr(0, given->find(':'));  // systemd.exec(5): a list, the first is ours
    }
    if (environment.uid == 0) {
        return "/var/lib/postrider";
    }
    const auto xdg = environment.variable("XDG_STATE_HOME");
    if (xdg && fs::path(*xdg).is_absolute()) {  // the XDG specification ignores relative ones
        return fs::path(*xdg) / "postrider";
    }
    const auto home = environment.variable("HOME");
    if (home && fs::path(*home).is_absolute()) {
        return fs::path(*home) / ".local/state/postrider";
    }
    return std::nullopt;
}

void read_roots(Reader& reader, RootDraft& draft) {
    for (const SourceFile& file : reader.files()) {
        const bool is_main = &file == &reader.files().front();
        if (file.root.kind != Value::Kind::null) {
            read_section(reader, file.root, is_main ? main_keys() : included_keys(), draft);
        }
    }
}

void read_destination_sections(Reader& reader, RootDraft& draft) {
    const Reader::Scope scope = reader.enter("destinations");
    for (const Value* section : draft.destinations) {
        read_destinations(reader, *section, draft.config.destinations);
    }
}

void read_account_sections(Reader& reader, RootDraft& draft) {
    AccountsReader accounts(reader, draft.config.destinations);
    {
        const Reader::Scope scope = reader.enter("defaults");
        for (const Value* section : draft.defaults) {
            accounts.read_defaults(*section);
        }
    }
    const Reader::Scope scope = reader.enter("accounts");
    for (const Value* section : draft.accounts) {
        accounts.read_accounts(*section);
    }
    draft.config.accounts = accounts.take();
}

void complete_places(Reader& reader, const Environment& environment, Config& config) {
    if (config.state_dir.empty()) {
        if (auto directory = default_state_dir(environment)) {
            config.state_dir = std::move(*directory);
        } else {
            const Reader::Scope scope = reader.enter("state_dir");
            reader.report_in(0, {}, "must be set: there is neither STATE_DIRECTORY nor HOME");
        }
    }
    if (config.control.socket.empty()) {
        config.control.socket = fs::path(config.state_dir) / "control.sock";
    }
}

void check_root(Reader& reader, const RootDraft& draft) {
    const bool has_section =
        std::any_of(draft.accounts.begin(), draft.accounts.end(), [](const Value* section) {
            return section->kind != Value::Kind::map || !section->entries.empty();
        });
    if (!has_section) {
        reader.report_in(0, {},
                         "there is no account yet: add one under accounts, with host, user, "
                         "password, recipients and deliver_to");
    }
}

}  // namespace

LoadResult load(const std::string& path, const Environment& environment) {
    Reader reader;
    LoadResult result;
    if (read_files(reader, path)) {
        RootDraft draft;
        read_roots(reader, draft);
        read_destination_sections(reader, draft);
        read_account_sections(reader, draft);
        complete_places(reader, environment, draft.config);
        check_root(reader, draft);
        result.config = std::move(draft.config);
    }
    result.problems = reader.take_problems();
    if (!result.problems.empty()) {
        result.config.reset();
    }
    return result;
}

Expected<std::string> control_socket(const std::string& path, const Environment& environment) {
    Reader reader;
    RootDraft draft;
    if (read_files(reader, path)) {
        for (const Entry& entry : reader.files().front().root.entries) {
            if (entry.key == "state_dir" || entry.key == "control") {
                read_entry(reader, entry, main_keys(), draft);
            }
        }
        complete_places(reader, environment, draft.config);
    }
    const std::vector<Problem> problems = reader.take_problems();
    if (!problems.empty()) {
        return failure(Errc::config, Retry::never, problems.front().to_text());
    }
    return draft.config.control.socket;
}

}  // namespace postrider::config
