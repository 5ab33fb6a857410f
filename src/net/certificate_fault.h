#pragma once

#include <string>

#include <openssl/x509_vfy.h>

#include "postrider/net/tls.h"

namespace postrider::net {

/// Why the verification in `context` has failed, in words for the person who has to mend it: what
/// is wrong, with the names and dates of the certificate, and what can be done about it. All text
/// out of the certificate is escaped.
[[nodiscard]] std::string explain_certificate_fault(X509_STORE_CTX& context,
                                                    const TlsSettings& settings);

}  // namespace postrider::net
