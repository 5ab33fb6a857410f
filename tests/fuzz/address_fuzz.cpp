// Addresses out of headers: what is taken for one is safe on the wire and parses back to the same
// (S-011, S-013, A-021), and nobody becomes a recipient who is none of ours (S-015).
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "postrider/mail/address.h"
#include "postrider/mail/envelope.h"
#include "postrider/mail/recipient_rule.h"

#include "fuzz/fuzz_input.h"

namespace {

using namespace postrider;

void check(const mail::Address& address) {
    const std::string& text = address.text();
    POSTRIDER_ASSERT(!text.empty() && text.size() <= 254);
    POSTRIDER_ASSERT(std::none_of(text.begin(), text.end(), [](char c) {
        const auto octet = static_cast<unsigned char>(c);
        return octet < ' ' || octet == 0x7f;
    }));
    if (!text.starts_with('"')) {
        POSTRIDER_ASSERT(text.find_first_of(" <>") == std::string::npos);
    }
    const auto again = mail::Address::parse(text);
    POSTRIDER_ASSERT(again && *again == address);
    POSTRIDER_ASSERT(again->local_part() == address.local_part() &&
                     again->domain() == address.domain());
    POSTRIDER_ASSERT(std::string(address.local_part()) +
                         (address.domain().empty() ? "" : "@" + std::string(address.domain())) ==
                     text);
    // In ASCII it is one, too, and for the same local part.
    if (const auto ascii = address.to_ascii()) {
        POSTRIDER_ASSERT(ascii->is_ascii() && ascii->local_part() == address.local_part());
        POSTRIDER_ASSERT(mail::Address::parse(ascii->text()) == *ascii);
        POSTRIDER_ASSERT(ascii->to_ascii() == *ascii);
    }
    // In the brackets of MAIL FROM it is one path, and that one.
    if (!address.domain().empty()) {
        POSTRIDER_ASSERT(mail::sender_of_return_path("<" + text + ">") == address);
    }
}

void check_recipients(std::string_view field) {
    mail::RecipientRule rule;
    rule.header = "X-Original-To";
    rule.domains = {"isp.example"};
    rule.strip_prefix = "mbox-";
    rule.map.emplace("bob", *mail::Address::parse("bob@localhost"));
    const auto recipients = mail::recipients_of(field, rule);
    if (!recipients) {
        return;
    }
    POSTRIDER_ASSERT(!recipients->empty() && recipients->size() <= mail::kMostRecipients);
    for (const mail::Address& recipient : *recipients) {
        check(recipient);
        std::string domain(recipient.domain());
        std::transform(domain.begin(), domain.end(), domain.begin(),
                       [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
        POSTRIDER_ASSERT(domain == "isp.example" || recipient.text() == "bob@localhost");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::Input(data, size).rest();
    if (const auto address = mail::Address::parse(text)) {
        check(*address);
    }
    if (const auto sender = mail::sender_of_return_path(text)) {
        POSTRIDER_ASSERT(!sender->domain().empty());
        check(*sender);
    }
    check_recipients("X-Original-To:" + std::string(text) + "\r\n");
    check_recipients(text);
    return 0;
}
