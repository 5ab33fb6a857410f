#include "support/mail_samples.h"

#include <algorithm>
#include <random>

namespace postrider::test {
namespace {

using namespace std::string_literals;

constexpr std::string_view kHeader =
    "From: Alice <alice@example.org>\r\n"
    "To: bob@example.net\r\n"
    "Subject: sample\r\n"
    "Date: Mon, 23 Nov 2026 02:06:00 +0000\r\n";

constexpr std::string_view kSecondMail =
    "MAIL FROM:<evil@example.com>\r\nRCPT TO:<victim@example.org>\r\nDATA\r\n"
    "Subject: smuggled\r\n\r\nsmuggled\r\n.\r\n";

std::string with_body(std::string_view body) {
    return std::string(kHeader).append("\r\n").append(body);
}

std::string repeated(std::string_view text, std::size_t times) {
    std::string all;
    all.reserve(text.size() * times);
    for (std::size_t i = 0; i < times; ++i) all.append(text);
    return all;
}

std::string visible(std::string_view octets) {
    std::string text;
    for (const char c : octets) {
        switch (c) {
            case '\r':
                text += "CR";
                break;
            case '\n':
                text += "LF";
                break;
            case '\0':
                text += "NUL";
                break;
            default:
                text += c == '.' ? std::string("DOT") : std::string(1, c);
                break;
        }
    }
    return text;
}

}  // namespace

std::string naive_canonical(std::string_view received) {
    std::string out;
    for (std::size_t i = 0; i < received.size(); ++i) {
        const bool crlf = received[i] == '\r' && i + 1 < received.size() && received[i + 1] == '\n';
        if (received[i] == '\r' || received[i] == '\n') {
            out += "\r\n";
            if (crlf) ++i;
        } else {
            out += received[i];
        }
    }
    const bool unended = !out.empty() && out.back() != '\n';
    return unended ? out + "\r\n" : out;
}

bool is_canonical(std::string_view octets) {
    for (std::size_t i = 0; i < octets.size(); ++i) {
        if (octets[i] == '\r' && (i + 1 == octets.size() || octets[i + 1] != '\n')) return false;
        if (octets[i] == '\n' && (i == 0 || octets[i - 1] != '\r')) return false;
    }
    return octets.empty() || octets.back() == '\n';
}

std::string plain_mail(std::string_view subject, std::size_t body_octets) {
    std::string mail = "From: Alice <alice@example.org>\r\nTo: bob@example.net\r\nSubject: ";
    mail.append(subject).append("\r\nMIME-Version: 1.0\r\n\r\n");
    const std::string line(72, 'x');
    for (std::size_t done = 0; done < body_octets; done += line.size() + 2) {
        mail.append(line, 0, std::min(line.size(), body_octets - done)).append("\r\n");
    }
    return mail;
}

std::string mail_with_return_path(std::string_view value) {
    return "Return-Path: " + std::string(value) +
           "\r\nReceived: from a.example by b.example; Mon, 23 Nov 2026 02:06:00 +0000\r\n" +
           with_body("text\r\n");
}

const std::vector<std::string>& smuggling_sequences() {
    static const std::vector<std::string> sequences = {
        "\n.\n"s,       "\n.\r\n"s,     "\r.\r"s,         "\r\n.\r"s, "\n.\r"s,   "\r.\n"s,
        "\r\n\0.\r\n"s, "\r\n.\0\r\n"s, "\r\r\n.\r\r\n"s, "\r.\r\n"s, "\r\n.\n"s, "\r\n.\r\n"s};
    return sequences;
}

std::vector<MailSample> smuggling_mails() {
    std::vector<MailSample> mails;
    for (const std::string& sequence : smuggling_sequences()) {
        const std::string name = visible(sequence);
        const std::string attack = sequence + std::string(kSecondMail);
        mails.push_back({name + " in the header", "Subject: a" + attack + "\r\n\r\ntext\r\n"});
        mails.push_back({name + " at the end of the header",
                         std::string(kHeader.substr(0, kHeader.size() - 2)) + attack});
        mails.push_back({name + " in the body", with_body("text" + attack + "more\r\n")});
        mails.push_back({name + " at the end", with_body("text" + sequence)});
    }
    return mails;
}

std::vector<MailSample> nul_mails() {
    return {
        {"NUL in a field name", "Sub\0ject: a\r\n\r\ntext\r\n"s},
        {"NUL in a field value", "Subject: a\0b\r\n\r\ntext\r\n"s},
        {"NUL as first octet of the body", with_body("\0text\r\n"s)},
        {"NUL behind a dot", with_body("text\r\n.\0\r\nmore\r\n"s)},
        {"NUL before CRLF", with_body("text\0\r\n"s)},
        {"NUL between CR and LF", with_body("text\r\0\nmore\r\n"s)},
        {"a body of NUL only", with_body(std::string(100, '\0'))},
    };
}

std::vector<MailSample> misshapen_mails() {
    return {
        {"no octet at all", ""},
        {"an empty line only", "\r\n"},
        {"a header only", std::string(kHeader)},
        {"a header whose last line has no end", std::string(kHeader) + "X-Last: a"},
        {"a body whose last line has no end", with_body("text")},
        {"no header", "\r\ntext\r\n"},
        {"text in place of a header", "this is no field\r\nnor this\r\n\r\ntext\r\n"},
        {"bare LF throughout", "Subject: a\n\ntext\nmore\n"},
        {"bare CR throughout", "Subject: a\r\rtext\rmore\r"},
        {"the line of an mbox on top",
         "From alice Mon Nov 23 02:06:00 2026\r\n" + with_body("a\r\n")},
        {"the quoted line of an mbox on top", ">From alice Mon Nov 23\r\n" + with_body("a\r\n")},
        {"a continuation line on top", " folded\r\n" + with_body("a\r\n")},
        {"a field without a colon", "X-POP3-Rcpt alice\r\n" + with_body("a\r\n")},
        {"empty lines on top", "\r\n\r\n" + with_body("a\r\n")},
        {"lines of dots", with_body(".\r\n..\r\n...\r\n.a\r\n")},
        {"8-bit octets in header and body", "Subject: \xe4\xf6\xfc\r\n\r\n\xc3\xa4\xff\r\n"},
        {"every octet", with_body(random_octets(1, 4096))},
    };
}

std::string mail_with_line(std::size_t octets) {
    return with_body(std::string(octets, 'x') + "\r\n");
}

std::string mail_with_fields(std::size_t fields) {
    return repeated("X: a\r\n", fields) + "\r\ntext\r\n";
}

std::string mail_with_continuations(std::size_t lines) {
    return "X: a\r\n" + repeated(" b\r\n", lines) + "\r\ntext\r\n";
}

std::string mail_with_field_of(std::size_t octets) {
    return "X: " + std::string(octets < 5 ? 0 : octets - 5, 'x') + "\r\n\r\ntext\r\n";
}

std::string random_octets(std::uint32_t seed, std::size_t octets, std::string_view alphabet) {
    std::mt19937 random(seed);
    std::string text;
    text.reserve(octets);
    for (std::size_t i = 0; i < octets; ++i) {
        const auto number = random();
        text += alphabet.empty() ? static_cast<char>(number & 0xff)
                                 : alphabet[number % alphabet.size()];
    }
    return text;
}

std::vector<std::string> all_strings(std::string_view alphabet, std::size_t longest) {
    std::vector<std::string> all = {""};
    std::size_t begin = 0;
    for (std::size_t length = 1; length <= longest; ++length) {
        const std::size_t end = all.size();
        for (; begin < end; ++begin) {
            for (const char c : alphabet) all.push_back(all[begin] + c);
        }
    }
    return all;
}

}  // namespace postrider::test
