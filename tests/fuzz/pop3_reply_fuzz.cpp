// Status lines and what they mean: the secret is never quoted, the text is printable.
#include <algorithm>
#include <cstdint>
#include <string>

#include "postrider/mail/date.h"

#include "fuzz/fuzz_input.h"
#include "protocol/pop3/reply.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace postrider;
    const std::string_view line = fuzz::Input(data, size).rest();
    pop3::Quoter quoter;
    quoter.withhold(Secret(std::string("zanary")));
    const pop3::Reply reply = pop3::parse_reply(line);
    POSTRIDER_ASSERT(reply.text.size() <= line.size());
    const Error error = pop3::refusal({.asked = "RETR 3"}, line, quoter);
    POSTRIDER_ASSERT(error.text.find("zanary") == std::string::npos);
    POSTRIDER_ASSERT(std::all_of(error.text.begin(), error.text.end(),
                                 [](char c) { return c >= ' ' && c <= '~'; }));
    (void)pop3::may_begin_reply(line);
    // The header of a message, for its date.
    (void)mail::received_date(line);
    return 0;
}
