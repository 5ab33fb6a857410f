#pragma once

#include <memory>
#include <string_view>

#include "postrider/mail/message.h"

struct evp_md_ctx_st;

namespace postrider::mail {

/// SHA-256 over octets that come in pieces.
class Sha256 {
  public:
    Sha256();

    void add(std::string_view bytes);

    /// The digest of all that was added. To be called once.
    [[nodiscard]] Digest finish();

  private:
    struct Free {
        void operator()(evp_md_ctx_st* context) const;
    };
    std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace postrider::mail
