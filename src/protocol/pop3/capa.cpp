#include "protocol/pop3/capa.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "postrider/base/text.h"

namespace postrider::pop3 {

namespace {

std::string to_upper(std::string_view text) {
    std::string upper(text);
    std::transform(upper.begin(), upper.end(), upper.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return upper;
}

/// The number at the front of `arguments`; nothing for NEVER and for what makes no sense.
std::optional<std::uint32_t> leading_number(std::string_view arguments) {
    const auto number = parse_unsigned(next_word(arguments));
    if (!number || *number > std::numeric_limits<std::uint32_t>::max()) {
        return std::nullopt;
    }
    return static_cast<std::uint32_t>(*number);
}

}  // namespace

Expected<void> CapaReader::add(std::string_view line) {
    octets_ += line.size();
    if (++lines_ > kMaxCapaLines || octets_ > kMaxCapaOctets) {
        return failure(Errc::limit, Retry::later,
                       fmt::format("the answer to CAPA is longer than {} lines or {} octets",
                                   kMaxCapaLines, kMaxCapaOctets));
    }
    const std::string_view tag = next_word(line);
    read_tag(tag, line);
    return {};
}

void CapaReader::read_tag(std::string_view tag, std::string_view arguments) {
    if (iequals(tag, "STLS")) {
        capabilities_.stls = true;
    } else if (iequals(tag, "USER")) {
        capabilities_.user = true;
    } else if (iequals(tag, "UIDL")) {
        capabilities_.uidl = true;
    } else if (iequals(tag, "TOP")) {
        capabilities_.top = true;
    } else if (iequals(tag, "PIPELINING")) {
        capabilities_.pipelining = true;
    } else if (iequals(tag, "RESP-CODES")) {
        capabilities_.resp_codes = true;
    } else if (iequals(tag, "AUTH-RESP-CODE")) {
        capabilities_.auth_resp_code = true;
    } else if (iequals(tag, "UTF8")) {
        capabilities_.utf8 = true;
        capabilities_.utf8_user = iequals(next_word(arguments), "USER");
    } else if (iequals(tag, "LANG")) {
        capabilities_.lang = true;
    } else if (iequals(tag, "SASL")) {
        add_mechanisms(arguments);
    } else if (iequals(tag, "EXPIRE")) {
        capabilities_.expire_days = leading_number(arguments);
    } else if (iequals(tag, "LOGIN-DELAY")) {
        capabilities_.login_delay_s = leading_number(arguments);
    } else if (iequals(tag, "IMPLEMENTATION")) {
        capabilities_.implementation = trimmed(arguments);
    }
}

void CapaReader::add_mechanisms(std::string_view arguments) {
    auto& known = capabilities_.sasl;
    for (auto word = next_word(arguments); !word.empty(); word = next_word(arguments)) {
        std::string mechanism = to_upper(word);
        if (std::find(known.begin(), known.end(), mechanism) == known.end()) {
            known.push_back(std::move(mechanism));
        }
    }
}

}  // namespace postrider::pop3
