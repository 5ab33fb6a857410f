#include "config/routing.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "postrider/base/text.h"

namespace postrider::config {

namespace {

constexpr std::array<Choice<Refused>, 3> kRefusedChoices = {{
    {"hold", Refused::hold},
    {"discard", Refused::discard},
    {"bounce", Refused::bounce},
}};

/// Nothing, and told, if there is no destination of that name.
const DestinationConfig* destination(Reader& reader, const Value& value,
                                     const Destinations& destinations) {
    const auto name = reader.scalar(value);
    if (!name) {
        return nullptr;
    }
    if (const auto found = destinations.find(*name); found != destinations.end()) {
        return &found->second;
    }
    std::vector<std::string> known;
    for (const auto& [known_name, unused] : destinations) {
        known.push_back(known_name);
    }
    if (known.empty()) {
        reader.report(value, "there is no destination yet: name one under destinations");
    } else {
        reader.report_unknown_word(value, known);
    }
    return nullptr;
}

void add_deliver_to(Reader& reader, const Value& value, AccountDraft& draft) {
    const DestinationConfig* const there = destination(reader, value, *draft.destinations);
    if (there == nullptr) {
        return;
    }
    std::vector<std::string>& names = draft.account.deliver_to;
    if (std::find(names.begin(), names.end(), there->name) != names.end()) {
        reader.report(value, "stands here a second time");
    } else {
        names.push_back(there->name);
    }
}

/// Decimal digits, at least one and at most `most`.
bool is_number(std::string_view text, std::size_t most) {
    return !text.empty() && text.size() <= most &&
           text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// A permanent reply code of RFC 5321, or an enhanced one of RFC 3463.
bool is_refusal_code(std::string_view text) {
    if (!text.starts_with('5')) {
        return false;
    }
    const std::size_t first = text.find('.');
    if (first == std::string_view::npos) {
        return text.size() == 3 && is_number(text, 3);
    }
    const std::size_t second = text.find('.', first + 1);
    return first == 1 && second != std::string_view::npos &&
           is_number(text.substr(2, second - 2), 3) && is_number(text.substr(second + 1), 3);
}

void read_by_code(Reader& reader, const Entry& entry, RefusedConfig& into) {
    const Reader::Scope scope = reader.enter(entry.key);
    if (entry.earlier) {
        reader.report(entry, fmt::format("stands here a second time; the first is in line {}",
                                         entry.earlier->line));
    } else if (entry.key == "default") {
        read_choice(reader, entry.value, kRefusedChoices, into.otherwise);
    } else if (is_refusal_code(entry.key)) {
        read_choice(reader, entry.value, kRefusedChoices, into.by_code[entry.key]);
    } else {
        reader.report(entry,
                      "is neither a reply code such as 550, nor an enhanced one such as "
                      "5.7.1, nor default");
    }
}

bool bounces_something(const RefusedConfig& refused) {
    return refused.otherwise == Refused::bounce ||
           std::any_of(refused.by_code.begin(), refused.by_code.end(),
                       [](const auto& one) { return one.second == Refused::bounce; });
}

}  // namespace

void read_deliver_to(Reader& reader, const Value& value, AccountDraft& draft) {
    draft.account.deliver_to.clear();
    if (value.kind != Value::Kind::list) {
        add_deliver_to(reader, value, draft);
        return;
    }
    if (value.items.empty()) {
        reader.report(value, "needs at least one destination");
    }
    for (std::size_t i = 0; i < value.items.size(); ++i) {
        const Reader::Scope scope = reader.enter(i);
        add_deliver_to(reader, value.items[i], draft);
    }
}

void read_refused(Reader& reader, const Value& value, AccountDraft& draft) {
    RefusedConfig& refused = draft.account.refused;
    refused = {};
    if (value.kind == Value::Kind::scalar) {
        read_choice(reader, value, kRefusedChoices, refused.otherwise);
        return;
    }
    if (!reader.expect_map(value)) {
        return;
    }
    for (const Entry& entry : value.entries) {
        read_by_code(reader, entry, refused);
    }
}

void read_bounce_via(Reader& reader, const Value& value, AccountDraft& draft) {
    const DestinationConfig* const there = destination(reader, value, *draft.destinations);
    if (there != nullptr && there->type != DestinationType::smtp) {
        reader.report(value, "must be of type smtp: bounces go to other people's mail servers");
    } else if (there != nullptr) {
        draft.account.bounce_via = there->name;
    }
}

void complete_routing(Reader& reader, const Entry& account, AccountDraft& draft) {
    AccountConfig& config = draft.account;
    if (!bounces_something(config.refused)) {
        config.bounce_via.clear();
        return;
    }
    if (!config.bounce_via.empty()) {
        return;
    }
    const auto smtp = std::find_if(
        config.deliver_to.begin(), config.deliver_to.end(), [&draft](const std::string& name) {
            return draft.destinations->at(name).type == DestinationType::smtp;
        });
    if (smtp != config.deliver_to.end()) {
        config.bounce_via = *smtp;
    } else {
        const Reader::Scope scope = reader.enter("refused");
        reader.report(account, "bounces need bounce_via: a destination of type smtp");
    }
}

}  // namespace postrider::config
