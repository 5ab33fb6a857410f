#pragma once

#include <openssl/bio.h>

#include "net/openssl_ptr.h"

namespace postrider::net {

/// What a socket BIO works on and reports to. It must outlive the BIO.
struct SocketBioState {
    int fd = -1;
    bool saw_end = false;
    int read_error = 0;

    /// errno of the first failed send. From then on the BIO swallows what it is given and says
    /// "sent": OpenSSL would otherwise refuse to read on, and what the peer said before it hung up
    /// (an early 5xx inside DATA) would be lost.
    int write_error = 0;
};

/// The kind of BIO that reads and writes a socket without ever raising SIGPIPE, which the one of
/// OpenSSL does. Null when memory is short. It must outlive the BIOs made with it.
[[nodiscard]] BioMethodPtr make_socket_bio_method();

[[nodiscard]] BioPtr make_socket_bio(const BIO_METHOD& method, SocketBioState& state);

}  // namespace postrider::net
