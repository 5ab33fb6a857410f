// CAPA, UIDL and LIST: whatever the lines, what comes out is in order and within the limits.
#include <cstdint>

#include "fuzz/fuzz_input.h"
#include "protocol/pop3/capa.h"
#include "protocol/pop3/listing.h"

namespace postrider::pop3 {
namespace {

/// Lines of the input, by their first octet: 'u' UIDL, 'c' CAPA, else LIST.
void read(std::string_view bytes) {
    ListingReader listing;
    CapaReader capa;
    bool is_good = true;
    while (!bytes.empty() && is_good) {
        const std::size_t end = bytes.find('\n');
        std::string_view line = bytes.substr(0, end);
        bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
        const char kind = line.empty() ? 'l' : line.front();
        line = line.substr(line.empty() ? 0 : 1, kMaxListLine);
        if (kind == 'u') {
            is_good = listing.add_uid(line).has_value();
        } else if (kind == 'c') {
            is_good = capa.add(line).has_value();
        } else {
            is_good = listing.add_size(line).has_value();
        }
    }
    POSTRIDER_ASSERT(capa.capabilities().sasl.size() <= kMaxCapaOctets);
    const auto joined = listing.join();
    std::uint32_t before = 0;
    for (const Listed& message : joined ? *joined : std::vector<Listed>()) {
        POSTRIDER_ASSERT(message.number > before && message.number <= kMaxMessages);
        POSTRIDER_ASSERT(message.uid.size() <= kMaxUid);
        POSTRIDER_ASSERT(message.uid.find_first_of(std::string_view("\0\r\n", 3)) ==
                         std::string::npos);
        before = message.number;
    }
}

}  // namespace
}  // namespace postrider::pop3

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    postrider::pop3::read(postrider::fuzz::Input(data, size).rest());
    return 0;
}
