#include "postrider/mail/digests.h"

#include <array>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "postrider/base/out_of_memory.h"
#include "postrider/base/text.h"

namespace postrider::mail {

namespace {

const EVP_MD* digest_of(Hash hash) {
    switch (hash) {
        case Hash::sha1:
            return EVP_sha1();
        case Hash::sha256:
            return EVP_sha256();
    }
    return nullptr;
}

}  // namespace

std::string hmac(Hash hash, std::string_view key, std::string_view text) {
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    const auto* const octets = reinterpret_cast<const unsigned char*>(text.data());
    const auto* const done = HMAC(digest_of(hash), key.data(), static_cast<int>(key.size()), octets,
                                  text.size(), digest.data(), &size);
    if (done == nullptr) {
        out_of_memory();
    }
    return {digest.begin(), digest.begin() + size};
}

std::string md5_hex(std::string_view text) {
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_md5(), nullptr) != 1) {
        out_of_memory();
    }
    return to_hex({digest.data(), size});
}

}  // namespace postrider::mail
