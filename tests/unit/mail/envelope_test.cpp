#include "postrider/mail/envelope.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "postrider/base/text.h"

#include "support/mail_samples.h"

namespace postrider::mail {
namespace {

using namespace std::string_literals;

/// The sender as it would be written between '<' and '>'.
std::string sender(std::string_view value) {
    const std::optional<Address> address = sender_of_return_path(value);
    return address ? address->text() : "";
}

// S-011
TEST(SenderOfReturnPath, ReadsTheFormsThatOccur) {
    const std::vector<std::pair<std::string, std::string>> table = {
        {"<alice@example.org>", "alice@example.org"},
        {"alice@example.org", "alice@example.org"},
        {" \t<alice@example.org>\t ", "alice@example.org"},
        {"< alice@example.org >", "alice@example.org"},
        {"<alice @ example . org>", "alice@example.org"},
        {"Alice <alice@example.org>", "alice@example.org"},
        {"\"Alice (b)\" <alice@example.org>", "alice@example.org"},
        {"(of <b@c>) <alice@example.org> (x (nested) \\) y)", "alice@example.org"},
        {"<alice(comment)@(c)example.org(d)>", "alice@example.org"},
        {"alice@example.org (Alice)", "alice@example.org"},
        {"<@a.example,@b.example:alice@example.org>", "alice@example.org"},
        {"<@a.example:alice@example.org>", "alice@example.org"},
        {"< @a.example , @b.example : alice@example.org >", "alice@example.org"},
        {"<\"a b\"@example.org>", "\"a b\"@example.org"},
        {"<\"a>b\"@example.org>", "\"a>b\"@example.org"},
        {"<\"(a)\"@example.org>", "\"(a)\"@example.org"},
        {"<\"a\\\"b\"@example.org>", "\"a\\\"b\"@example.org"},
        {"<alice@[192.0.2.1]>", "alice@[192.0.2.1]"},
        {"<SRS0=x=y=b.example=alice@c.example>", "SRS0=x=y=b.example=alice@c.example"},
        {"<\xc3\xa4@example.org>", "\xc3\xa4@example.org"},
    };
    for (const auto& [value, wanted] : table) EXPECT_EQ(sender(value), wanted) << value;
}

TEST(SenderOfReturnPath, GivesTheNullSenderForTheNullPathAndForGarbage) {
    for (const auto& value : {"<>"s,
                              "< >"s,
                              "<(comment)>"s,
                              ""s,
                              " "s,
                              "()"s,
                              "@"s,
                              "<@>"s,
                              "<@a.example>"s,
                              "<@a:>"s,
                              "<@a,@b>"s,
                              "<a@>"s,
                              "<@a:b>"s,
                              "alice"s,
                              "<alice>"s,
                              "<MAILER-DAEMON>"s,  // no domain: the MTA would add ours
                              "<a@b"s,
                              "a@b>"s,
                              "<a@b>>"s,
                              "<<a@b>>"s,
                              "<a@b<c@d>"s,
                              "><"s,
                              "<"s,
                              ">"s,
                              "<a@b> <c@d>"s,
                              "<a@b>,<c@d>"s,
                              "a@b c@d"s,
                              "a@b, c@d"s,
                              "a@b <c@d>"s,
                              "<a@b> c@d"s,
                              "<a@b c@d>"s,
                              "<a b@c>"s,
                              "<a@b c>"s,
                              "<a(x)b@c>"s,
                              "<a@b> trailing"s,
                              "<a@b> (unclosed"s,
                              "(unclosed <a@b>"s,
                              "\"unclosed <a@b>"s,
                              "<\"a@b>"s,
                              "\\"s,
                              "(\\"s,
                              "\"\\"s,
                              "<a@b\\>"s,
                              "<a\r\n@b>"s,
                              "<a\0@b>"s,
                              "<a@b\x7f>"s,
                              "<\"a\r\nRCPT\"@b>"s,
                              "<\"a\tb\"@c>"s,
                              "<\xe4@example.org>"s,
                              "<a..b@c>"s,
                              "<a@b..c>"s,
                              "<a@b_c>"s,
                              "<" + std::string(65, 'a') + "@b>",
                              "<" + std::string(1024UL * 1024, 'a') + "@b>",
                              std::string(60'000, '('),
                              std::string(60'000, '<'),
                              std::string(60'000, '"')}) {
        EXPECT_EQ(sender(value), "") << escaped(value);
    }
}

TEST(SenderOfReturnPath, NeverGivesAnythingButAnAddressWithADomain) {
    std::size_t senders = 0;
    for (const std::string& value : test::all_strings("a@<>\"( )", 6)) {
        const auto address = sender_of_return_path(value);
        if (!address) continue;
        ++senders;
        EXPECT_NE(address->text().find('@'), std::string::npos) << value;
        EXPECT_EQ(Address::parse(address->text()), *address) << value;
    }
    EXPECT_GT(senders, 10U);
}

// S-011
TEST(Envelope, TakesItsSenderFromTheReturnPath) {
    const std::vector<Address> recipients = {*Address::parse("bob"), *Address::parse("carol@c")};
    const auto scan = scan_header(test::mail_with_return_path("<alice@example.org>"));
    const Envelope envelope = make_envelope(scan, recipients);
    EXPECT_EQ(envelope.sender, *Address::parse("alice@example.org"));
    EXPECT_EQ(envelope.recipients, recipients);
}

// S-012
TEST(Envelope, HasTheNullSenderWithoutAUsableReturnPath) {
    EXPECT_EQ(make_envelope(scan_header("From: a@b\r\n\r\n"), {}).sender, std::nullopt);
    for (const auto* value : {"<>", "@", "<a@b> <c@d>"}) {
        const auto scan = scan_header(test::mail_with_return_path(value));
        ASSERT_EQ(scan.return_path, value);
        EXPECT_EQ(make_envelope(scan, {}).sender, std::nullopt) << value;
    }
}

// A-021
TEST(Envelope, AFoldSmugglesNoLineIntoTheSender) {
    const auto scan = scan_header("Return-Path: <\"a\r\n RCPT TO:b\"@c.example>\r\n\r\n");
    EXPECT_EQ(make_envelope(scan, {}).sender, *Address::parse("\"a RCPT TO:b\"@c.example"));
}

}  // namespace
}  // namespace postrider::mail
