#include "postrider/protocol/sasl/scram_key.h"

#include <array>
#include <cstring>

#include <gsasl.h>

#include "postrider/base/assert.h"
#include "postrider/base/out_of_memory.h"

namespace postrider::sasl {

Secret derive_key(const KeyRequest& request) {
    using Octets = std::array<char, GSASL_HASH_MAX_SIZE>;
    const Gsasl_hash hash = request.hash == mail::Hash::sha1 ? GSASL_HASH_SHA1 : GSASL_HASH_SHA256;
    std::string password(request.password.reveal());
    Octets salted{};
    Octets client{};
    Octets server{};
    Octets stored{};
    const int code = gsasl_scram_secrets_from_password(
        hash, password.c_str(), request.iterations, request.salt.data(), request.salt.size(),
        salted.data(), client.data(), server.data(), stored.data());
    wipe(password);
    if (code == GSASL_MALLOC_ERROR) {
        out_of_memory();
    }
    POSTRIDER_ASSERT(code == GSASL_OK);
    Secret key{std::string(salted.data(), gsasl_hash_length(hash))};
    for (Octets* const octets : {&salted, &client, &server, &stored}) {
        explicit_bzero(octets->data(), octets->size());
    }
    return key;
}

}  // namespace postrider::sasl
