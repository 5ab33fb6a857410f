#include "protocol/sasl/encoding.h"

#include <cstring>
#include <string>
#include <utility>

#include <gsasl.h>

#include "postrider/base/assert.h"
#include "postrider/base/out_of_memory.h"

namespace postrider::sasl {

namespace {

/// Takes over what GNU SASL has allocated, and wipes it there.
Secret taken_over(char* text, std::size_t size) {
    Secret secret{std::string(text, size)};
    explicit_bzero(text, size);
    gsasl_free(text);
    return secret;
}

}  // namespace

Secret to_base64(std::string_view octets) {
    char* text = nullptr;
    std::size_t size = 0;
    const int code = gsasl_base64_to(octets.data(), octets.size(), &text, &size);
    if (code == GSASL_MALLOC_ERROR) {
        out_of_memory();
    }
    POSTRIDER_ASSERT(code == GSASL_OK);
    return taken_over(text, size);
}

std::optional<Secret> from_base64(std::string_view text) {
    if (text.empty()) {
        return Secret();
    }
    char* octets = nullptr;
    std::size_t size = 0;
    const int code = gsasl_base64_from(text.data(), text.size(), &octets, &size);
    if (code == GSASL_MALLOC_ERROR) {
        out_of_memory();
    }
    if (code != GSASL_OK) {
        return std::nullopt;
    }
    return taken_over(octets, size);
}

Secret joined(std::initializer_list<std::string_view> texts) {
    std::size_t size = 0;
    for (const std::string_view text : texts) {
        size += text.size();
    }
    std::string all;
    all.reserve(size);  // a string that grows would leave copies behind
    for (const std::string_view text : texts) {
        all += text;
    }
    return Secret(std::move(all));
}

Expected<Secret> prepared(std::string_view text) {
    std::string input(text);
    char* output = nullptr;
    const bool has_nul = text.find('\0') != std::string_view::npos;
    int code = GSASL_SASLPREP_ERROR;
    // A lack of memory looks just like an unfit text: only what is said twice is believed.
    for (int i = 0; i < 2 && !has_nul && code != GSASL_OK; ++i) {
        code = gsasl_saslprep(input.c_str(), GSASL_ALLOW_UNASSIGNED, &output, nullptr);
    }
    wipe(input);
    if (code != GSASL_OK) {
        return failure(Errc::config, Retry::never,
                       "user or password is not fit for this login (SASLprep, RFC 4013, wants "
                       "UTF-8 without control characters); set auth to plain if the server takes "
                       "it");
    }
    return taken_over(output, std::strlen(output));
}

std::string gs2_name(std::string_view name) {
    std::string encoded;
    for (const char c : name) {
        if (c == ',') {
            encoded += "=2C";
        } else if (c == '=') {
            encoded += "=3D";
        } else {
            encoded += c;
        }
    }
    return encoded;
}

}  // namespace postrider::sasl
