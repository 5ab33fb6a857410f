#include "postrider/mail/envelope.h"

#include <cstddef>
#include <string>
#include <utility>

#include "mail/octets.h"

namespace postrider::mail {
namespace {

/// Octets of the comment that `text` begins with (RFC 5322 section 3.2.2; comments nest); 0 if it
/// does not end.
std::size_t comment_octets(std::string_view text) {
    std::size_t depth = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\') {
            ++i;
        } else if (text[i] == '(') {
            ++depth;
        } else if (text[i] == ')' && --depth == 0) {
            return i + 1;
        }
    }
    return 0;
}

/// Octets of the quoted string that `text` begins with; 0 if it does not end.
std::size_t quoted_string_octets(std::string_view text) {
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '"') return i + 1;
        if (text[i] == '\\') ++i;
    }
    return 0;
}

struct Token {
    std::string_view text;
    bool is_space = false;  ///< a blank or a comment
};

/// Takes a blank, a comment, a quoted string or a single other octet off the front of `rest`.
/// Nothing if it does not end.
std::optional<Token> next_token(std::string_view& rest) {
    const char first = rest.front();
    std::size_t octets = 1;
    if (first == '(') octets = comment_octets(rest);
    if (first == '"') octets = quoted_string_octets(rest);
    if (octets == 0) return std::nullopt;
    const Token token{.text = rest.substr(0, octets), .is_space = first == '(' || is_blank(first)};
    rest.remove_prefix(octets);
    return token;
}

/// Text without the comments and blanks that may stand around its separators. Between words one
/// blank stays: taking it away would make an address that nobody wrote, "ab@c" out of "a b@c".
class Words {
  public:
    void add(const Token& token) {
        if (token.is_space) {
            space_ = true;
            return;
        }
        if (space_ && !text_.empty() && !is_separator(text_.back()) &&
            !is_separator(token.text.front())) {
            text_ += ' ';
        }
        space_ = false;
        text_ += token.text;
    }

    [[nodiscard]] const std::string& text() const { return text_; }

  private:
    static bool is_separator(char c) { return c == '@' || c == '.' || c == ',' || c == ':'; }

    std::string text_;
    bool space_ = false;
};

/// A field value, taken apart at its angle brackets.
struct Path {
    Words before, inside, after;
    bool bracketed = false;
};

/// Nothing if a comment, a quoted string or a bracket is not closed, or if there are brackets
/// twice.
std::optional<Path> split(std::string_view value) {
    Path path;
    Words* part = &path.before;
    while (!value.empty()) {
        const std::optional<Token> token = next_token(value);
        if (!token) return std::nullopt;
        if (token->text == "<") {
            if (part != &path.before) return std::nullopt;
            part = &path.inside;
            path.bracketed = true;
        } else if (token->text == ">") {
            if (part != &path.inside) return std::nullopt;
            part = &path.after;
        } else {
            part->add(*token);
        }
    }
    if (part == &path.inside) return std::nullopt;
    return path;
}

/// The text that ought to be an address: between the brackets and behind the source route, or the
/// whole value without brackets. Empty if there is none, or more than one.
std::string_view address_text(const Path& path) {
    if (!path.bracketed) return path.before.text();
    const bool alone =
        path.before.text().find('@') == std::string::npos && path.after.text().empty();
    if (!alone) return {};
    std::string_view text = path.inside.text();
    if (!text.starts_with('@')) return text;
    const std::size_t route_end = text.find(':');  // RFC 5321 section 4.1.2, A-d-l
    return route_end == std::string_view::npos ? std::string_view() : text.substr(route_end + 1);
}

}  // namespace

std::optional<Address> sender_of_return_path(std::string_view field_value) {
    const std::optional<Path> path = split(field_value);
    if (!path) return std::nullopt;
    const std::string_view text = address_text(*path);
    // A local part alone would be given our own domain by the MTA, and bounces with it.
    if (text.find('@') == std::string_view::npos) return std::nullopt;
    auto address = Address::parse(text);
    if (!address) return std::nullopt;
    return std::move(*address);
}

Envelope make_envelope(const HeaderScan& scan, std::vector<Address> recipients) {
    Envelope envelope;
    if (scan.return_path) envelope.sender = sender_of_return_path(*scan.return_path);
    envelope.recipients = std::move(recipients);
    return envelope;
}

}  // namespace postrider::mail
