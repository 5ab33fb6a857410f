#include "store/installation.h"

#include <algorithm>

#include <fmt/format.h>

#include "postrider/base/planted.h"
#include "postrider/base/text.h"

namespace postrider::store {
namespace {

constexpr std::string_view kFirstLine = "postrider installation 1";
constexpr std::size_t kNamesShown = 5;

constexpr std::string_view kGoOn = "or start with --accept-state-loss to go on all the same";

std::string name_some(const std::set<std::string>& accounts) {
    std::string names;
    std::size_t shown = 0;
    for (const std::string& name : accounts) {
        if (shown++ == kNamesShown) {
            return names + ", ...";
        }
        names += (names.empty() ? "" : ", ") + name;
    }
    return names;
}

std::string known_by(const Installation& installation) {
    if (installation.accounts.empty()) {
        return "no accounts yet";
    }
    return counted(installation.accounts.size(), "account") + " (" +
           name_some(installation.accounts) + ")";
}

tl::unexpected<Error> doubt(std::string_view found, std::string_view consequence,
                            std::string_view remedy) {
    return failure(Errc::doubt, Retry::never,
                   fmt::format("{}. Going on would {}. {}, {}", found, consequence, remedy, kGoOn));
}

constexpr std::string_view kFetchAgain =
    "fetch all mail that is still on the servers again and deliver it twice";
constexpr std::string_view kDeleteForeign =
    "take its records for ours: mail that was never delivered here could be skipped, or deleted "
    "from the servers";

/// The value of a line "<key> <value>".
std::optional<std::string_view> value_of(std::string_view line, std::string_view key) {
    if (line.size() <= key.size() || !line.starts_with(key) || line[key.size()] != ' ') {
        return std::nullopt;
    }
    return line.substr(key.size() + 1);
}

bool parse_line(std::string_view line, Installation& into) {
    if (const auto id = value_of(line, "id")) {
        into.id = *id;
        return true;
    }
    if (const auto generation = value_of(line, "generation")) {
        const auto number = parse_unsigned(*generation);
        into.generation = number.value_or(0);
        return number.has_value();
    }
    if (const auto account = value_of(line, "account")) {
        into.accounts.emplace(*account);
        return true;
    }
    return false;
}

}  // namespace

std::string marker_text(const Installation& installation) {
    std::string text = fmt::format("{}\nid {}\ngeneration {}\n", kFirstLine, installation.id,
                                   installation.generation);
    for (const std::string& account : installation.accounts) {
        text += "account " + account + "\n";
    }
    return text;
}

std::optional<Installation> parse_marker(std::string_view text) {
    Installation found;
    bool first = true;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        if (end == std::string_view::npos) {
            return std::nullopt;
        }
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(end + 1);
        if (first ? line != kFirstLine : !parse_line(line, found)) {
            return std::nullopt;
        }
        first = false;
    }
    if (found.id.empty() || found.generation == 0) {
        return std::nullopt;
    }
    return found;
}

Expected<void> judge(const Findings& found) {
    if (is_planted("any-ledger-will-do")) return {};
    const std::string marker = fmt::format("the file `{}` beside it", kMarkerName);
    const std::string ledger = "the ledger " + found.ledger_path;
    if (found.marker_unreadable) {
        return doubt(
            fmt::format("{}, which says what {} has to remember, is damaged", marker, ledger),
            "do without that check", "Put both back from one backup");
    }
    if (!found.marker) {
        if (!found.ledger || found.ledger->accounts.empty()) {
            return {};
        }
        return doubt(fmt::format("{} knows {}, but {} is missing: it may have come from elsewhere",
                                 ledger, known_by(*found.ledger), marker),
                     kDeleteForeign, "Put the missing file back");
    }
    if (!found.ledger) {
        return doubt(fmt::format("{} is missing, but this installation has polled {}", ledger,
                                 known_by(*found.marker)),
                     kFetchAgain, "Put the ledger back");
    }
    if (found.ledger->id != found.marker->id) {
        return doubt(fmt::format("{} belongs to another installation ({} instead of {})", ledger,
                                 escaped(found.ledger->id, 32), escaped(found.marker->id, 32)),
                     kDeleteForeign, "Put the ledger of this installation back");
    }
    const bool lacks_accounts =
        !std::includes(found.ledger->accounts.begin(), found.ledger->accounts.end(),
                       found.marker->accounts.begin(), found.marker->accounts.end());
    if (found.ledger->generation < found.marker->generation || lacks_accounts) {
        return doubt(
            fmt::format("{} is older than it was (generation {} with {} instead of {} with {}): it "
                        "was restored from a backup",
                        ledger, found.ledger->generation, known_by(*found.ledger),
                        found.marker->generation, known_by(*found.marker)),
            "fetch what was delivered since that backup again and deliver it twice",
            "Put the newest ledger back");
    }
    return {};
}

}  // namespace postrider::store
