#include "protocol/smtp/capability_parser.h"

#include <algorithm>
#include <string>
#include <utility>

#include "postrider/base/text.h"

namespace postrider::smtp {
namespace {

std::string to_upper(std::string_view text) {
    std::string upper(text);
    for (char& c : upper) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    return upper;
}

/// Those of `words` that `list` does not have yet.
void add_words(std::string_view words, std::vector<std::string>& list) {
    for (auto word = next_word(words); !word.empty(); word = next_word(words)) {
        std::string upper = to_upper(word);
        if (std::find(list.begin(), list.end(), upper) == list.end()) {
            list.push_back(std::move(upper));
        }
    }
}

void parse_line(std::string_view line, Capabilities& found) {
    std::string_view parameters = line;
    const std::string keyword = to_upper(next_word(parameters));
    if (keyword == "PIPELINING") {
        found.pipelining = true;
    } else if (keyword == "8BITMIME") {
        found.eight_bit_mime = true;
    } else if (keyword == "SMTPUTF8") {
        found.smtputf8 = true;
    } else if (keyword == "ENHANCEDSTATUSCODES") {
        found.enhanced_codes = true;
    } else if (keyword == "STARTTLS") {
        found.starttls = true;
    } else if (keyword == "CHUNKING") {
        found.chunking = true;
    } else if (keyword == "DSN") {
        found.dsn = true;
    } else if (keyword == "XCLIENT") {
        add_words(parameters, found.xclient);
    } else if (keyword == "SIZE") {
        found.size = true;
        found.max_size = parse_unsigned(next_word(parameters)).value_or(0);
    } else if (keyword == "AUTH") {
        add_words(parameters, found.auth);
    } else if (keyword.starts_with("AUTH=")) {
        // The form of old drafts, "AUTH=LOGIN PLAIN", still sent beside the right one for old
        // clients.
        add_words(line.substr(line.find('=') + 1), found.auth);
    }
}

}  // namespace

Capabilities parse_capabilities(std::string_view reply_text) {
    Capabilities found;
    std::size_t newline = reply_text.find('\n');
    while (newline != std::string_view::npos) {
        reply_text.remove_prefix(newline + 1);
        newline = reply_text.find('\n');
        parse_line(reply_text.substr(0, newline), found);
    }
    return found;
}

}  // namespace postrider::smtp
