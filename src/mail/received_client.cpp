#include "postrider/mail/received_client.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include <arpa/inet.h>

#include "postrider/base/text.h"

#include "mail/head_fields.h"

// What stands between "from" and "by" has no common form:
//   Postfix    from HELO (NAME [ADDRESS])           NAME may be "unknown"
//   sendmail   from HELO (USER@NAME [ADDRESS] (may be forged))
//   Exim       from NAME ([ADDRESS]:PORT helo=HELO), from HELO ([ADDRESS]), from [ADDRESS] (helo=H)
//   qmail      from NAME (HELO HELO) (USER@ADDRESS), from NAME (ADDRESS)
//   Exchange   from HELO (ADDRESS)
// So all words are looked at for what they can be: an address, a name, a HELO.
namespace postrider::mail {
namespace {

/// Of a field no more than this is looked at.
constexpr std::size_t kLineLimit = 2048;
constexpr std::size_t kMaxName = 255;

/// One word, and whether it stood in parentheses.
struct Word {
    std::string_view text;
    bool is_comment = false;
};

bool is_separator(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '(' || c == ')' || c == ',';
}

std::vector<Word> words_of(std::string_view value) {
    std::vector<Word> words;
    std::size_t depth = 0;
    std::size_t begin = 0;
    for (std::size_t at = 0; at <= value.size(); ++at) {
        const bool is_end = at == value.size();
        if (!is_end && !is_separator(value[at])) continue;
        if (at > begin) words.push_back({value.substr(begin, at - begin), depth > 0});
        begin = at + 1;
        if (is_end) break;
        if (value[at] == '(') ++depth;
        if (value[at] == ')' && depth > 0) --depth;
    }
    return words;
}

/// The address in the usual notation; nothing if it is none.
std::optional<std::string> address_of(std::string_view text) {
    if (istarts_with(text, "IPv6:")) text.remove_prefix(5);
    if (istarts_with(text, "::ffff:") && text.find('.') != std::string_view::npos) {
        text.remove_prefix(7);
    }
    const std::string literal(text.substr(0, INET6_ADDRSTRLEN));
    std::array<char, INET6_ADDRSTRLEN> written{};
    std::array<unsigned char, 16> octets{};
    for (const int family : {AF_INET, AF_INET6}) {
        if (::inet_pton(family, literal.c_str(), octets.data()) == 1 &&
            ::inet_ntop(family, octets.data(), written.data(), written.size()) != nullptr) {
            return std::string(written.data());
        }
    }
    return std::nullopt;
}

/// "[192.0.2.1]", "[192.0.2.1]:2525", "ident@192.0.2.1", "192.0.2.1".
std::optional<std::string> address_in(std::string_view word) {
    const std::size_t open = word.find('[');
    const std::size_t close = word.find(']');
    if (open != std::string_view::npos && close != std::string_view::npos && open < close) {
        return address_of(word.substr(open + 1, close - open - 1));
    }
    const std::size_t at = word.rfind('@');
    return address_of(at == std::string_view::npos ? word : word.substr(at + 1));
}

bool is_label_octet(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

/// As a mail server takes it for a host name; others refuse the whole command.
bool is_host_name(std::string_view name) {
    if (name.empty() || name.size() > kMaxName || iequals(name, "unknown")) return false;
    std::size_t label = 0;
    for (std::size_t i = 0; i < name.size(); ++i) {
        const bool is_dot = name[i] == '.';
        const bool is_edge =
            i == 0 || i + 1 == name.size() || name[i - 1] == '.' || name[i + 1] == '.';
        if ((!is_dot && !is_label_octet(name[i])) || (is_edge && (is_dot || name[i] == '-'))) {
            return false;
        }
        label = is_dot ? 0 : label + 1;
        if (label > 63) return false;
    }
    return !address_of(name);
}

/// Without ident and the dot of the root.
std::string_view as_name(std::string_view word) {
    const std::size_t at = word.rfind('@');
    if (at != std::string_view::npos) word.remove_prefix(at + 1);
    if (word.ends_with('.')) word.remove_suffix(1);
    return word;
}

/// HELO says a name or an address literal; what is neither may still be what the client said.
bool is_helo(std::string_view word) {
    return !word.empty() && word.size() <= kMaxName &&
           std::all_of(word.begin(), word.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

class Parser {
  public:
    explicit Parser(std::vector<Word> words) : words_(std::move(words)) {}

    ReceivedClient run() {
        std::size_t at = 0;
        if (!words_.empty() && iequals(words_.front().text, "from")) {
            at = take_client();
        }
        take_protocol(at);
        return std::move(client_);
    }

  private:
    /// Returns where "by" stands.
    std::size_t take_client() {
        std::size_t at = 1;
        for (; at < words_.size(); ++at) {
            const Word& word = words_[at];
            if (!word.is_comment && iequals(word.text, "by")) break;
            if (at == 1 && !word.is_comment) {
                first_ = word.text;
            } else if (word.is_comment) {
                at += take_comment_word(at);
            }
        }
        conclude();
        return at;
    }

    /// Returns how many words behind it belong to it.
    std::size_t take_comment_word(std::size_t at) {
        const std::string_view word = words_[at].text;
        if (istarts_with(word, "helo=")) {
            helo_ = word.substr(5);
        } else if ((iequals(word, "HELO") || iequals(word, "EHLO")) && at + 1 < words_.size()) {
            helo_ = words_[at + 1].text;
            return 1;
        } else if (auto address = address_in(word)) {
            if (client_.address.empty()) client_.address = std::move(*address);
        } else if (client_.address.empty() && name_.empty() && is_host_name(as_name(word)) &&
                   is_before_address(at)) {
            name_ = as_name(word);
        }
        return 0;
    }

    /// The name of an address stands right before it.
    [[nodiscard]] bool is_before_address(std::size_t at) const {
        return at + 1 < words_.size() && words_[at + 1].is_comment &&
               address_in(words_[at + 1].text);
    }

    /// With a HELO of its own the first word is the name, otherwise it is the HELO.
    void conclude() {
        if (client_.address.empty()) {
            if (auto address = address_in(first_)) client_.address = std::move(*address);
        }
        const std::string_view helo = helo_.empty() ? first_ : helo_;
        if (!helo_.empty() && name_.empty() && is_host_name(as_name(first_))) {
            name_ = as_name(first_);
        }
        if (is_helo(helo) && !iequals(helo, "unknown")) client_.helo = helo;
        client_.name = name_;
    }

    void take_protocol(std::size_t at) {
        for (; at + 1 < words_.size(); ++at) {
            if (words_[at].is_comment || !iequals(words_[at].text, "with")) continue;
            const std::string_view protocol = words_[at + 1].text;
            if (iequals(protocol, "SMTP")) {
                client_.protocol = "SMTP";
            } else if (istarts_with(protocol, "ESMTP") || istarts_with(protocol, "UTF8SMTP") ||
                       iequals(protocol, "Microsoft")) {
                client_.protocol = "ESMTP";
            }
            return;
        }
    }

    std::vector<Word> words_;
    ReceivedClient client_;
    std::string_view first_;
    std::string_view name_;
    std::string_view helo_;
};

}  // namespace

ReceivedClient parse_received(std::string_view value) {
    value = value.substr(0, kLineLimit);
    return Parser(words_of(value.substr(0, value.rfind(';')))).run();
}

ReceivedClient received_client(std::string_view head, std::size_t hop) {
    while (const std::optional<HeadField> field = take_field(head)) {
        if (iequals(field->name, "Received") && --hop == 0) return parse_received(field->value);
    }
    return {};
}

}  // namespace postrider::mail
