// The head of a message: what is told of it lies within it, nothing behind the header is changed,
// and what goes out needs no second repair (S-011, S-025, S-027).
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "postrider/mail/bounce.h"
#include "postrider/mail/header_repair.h"
#include "postrider/mail/header_scan.h"
#include "postrider/mail/received_client.h"
#include "postrider/mail/trace.h"

#include "fuzz/fuzz_input.h"

namespace {

using namespace postrider;

mail::Message message_of(std::string_view octets) {
    mail::MessageBuilder builder({"", octets.size() * 2 + 16});
    POSTRIDER_ASSERT(builder.append(octets));
    auto message = builder.finish();
    POSTRIDER_ASSERT(message);
    return *std::move(message);
}

std::string octets_of(const mail::OutgoingMessage& message) {
    mail::OutgoingMessage::Reader reader(message);
    std::string octets;
    for (auto piece = reader.next(); piece && !piece->empty(); piece = reader.next()) {
        octets += *piece;
    }
    POSTRIDER_ASSERT(octets.size() == message.size());
    return octets;
}

std::string repaired(const std::string& canonical, mail::DeliveredTo policy) {
    const mail::HeaderScan scan = mail::scan_header(canonical);
    POSTRIDER_ASSERT(scan.header_octets <= canonical.size());
    std::uint64_t before = 0;
    for (const mail::ByteRange& field : scan.return_path_fields) {
        POSTRIDER_ASSERT(before <= field.begin && field.begin < field.end &&
                         field.end <= scan.header_octets);
        before = field.end;
    }
    const std::vector<mail::Edit> edits =
        mail::header_edits(canonical, scan, policy, {*mail::Address::parse("bob@here.example")});
    for (const mail::Edit& edit : edits) {
        POSTRIDER_ASSERT(edit.replaced.end <= scan.header_octets);
    }
    std::string out = octets_of({message_of(canonical), "", edits});
    const std::string_view body = std::string_view(canonical).substr(scan.header_octets);
    POSTRIDER_ASSERT(std::string_view(out).ends_with(body));
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const auto policy = static_cast<mail::DeliveredTo>(input.octet() % 3);
    const std::string canonical = octets_of({message_of(input.rest()), "", {}});
    // Below our own lines it is as it goes out: whole, and a second passage finds nothing to do.
    const std::string out = "X-Ours: 1\r\n" + repaired(canonical, policy);
    POSTRIDER_ASSERT(mail::scan_header(out).return_path_fields.empty());
    POSTRIDER_ASSERT(repaired(out, policy) == out);

    const mail::HeaderScan scan = mail::scan_header(canonical);
    const mail::Envelope envelope = mail::make_envelope(scan, {});
    (void)mail::loop_fault(canonical, scan, "here.example");
    (void)mail::is_folder_data(canonical);
    (void)mail::received_client(canonical, 1);
    if (envelope.sender) {
        (void)mail::fault_of_bounce(envelope, canonical);
        const std::string bounce = mail::bounce_text({.delivery_id = "0123abcd",
                                                      .by_host = "here.example",
                                                      .sender = *envelope.sender,
                                                      .failed = {{*envelope.sender, 550, "", "no"}},
                                                      .head = canonical,
                                                      .time = WallTime()});
        // Three parts and an end: nothing of the header makes another. Within a line it is a word.
        std::size_t boundaries = 0;
        for (std::size_t at = bounce.find("\r\n--0123abcd=bounce"); at != std::string::npos;
             at = bounce.find("\r\n--0123abcd=bounce", at + 1)) {
            ++boundaries;
        }
        POSTRIDER_ASSERT(boundaries == 4);
    }
    return 0;
}
