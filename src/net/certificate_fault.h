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

/// The same where the authorities do not count: the key is none of the pinned ones.
[[nodiscard]] std::string explain_other_key(const X509& leaf);

/// The pin of a certificate's key: SHA-256 of its SubjectPublicKeyInfo, in base64.
[[nodiscard]] std::string key_pin(const X509& certificate);

}  // namespace postrider::net
