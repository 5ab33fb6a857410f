#include "mail/sha256.h"

#include <openssl/evp.h>

#include "postrider/base/assert.h"
#include "postrider/base/out_of_memory.h"

namespace postrider::mail {

void Sha256::Free::operator()(evp_md_ctx_st* context) const {
    EVP_MD_CTX_free(context);
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
    // That there is SHA-256 is sure: what fails is the allocation of its state.
    if (context_ == nullptr || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) {
        out_of_memory();
    }
}

void Sha256::add(std::string_view bytes) {
    POSTRIDER_ASSERT(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
}

Digest Sha256::finish() {
    Digest digest{};
    POSTRIDER_ASSERT(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) == 1);
    return digest;
}

}  // namespace postrider::mail
