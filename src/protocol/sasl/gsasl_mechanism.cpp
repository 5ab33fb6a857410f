#include "protocol/sasl/gsasl_mechanism.h"

#include <cstring>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <gsasl.h>

#include "postrider/base/text.h"

namespace postrider::sasl {

namespace {

tl::unexpected<Error> cannot_start(std::string_view mechanism, int code) {
    if (code == GSASL_MALLOC_ERROR) {
        // Says nothing about the mechanism: the next login may have the memory.
        return failure(
            Errc::io, Retry::later,
            fmt::format("no memory for a login with the mechanism {}", escaped(mechanism)));
    }
    return failure(Errc::unsupported, Retry::never,
                   fmt::format("GNU SASL cannot do the mechanism {}: {}", escaped(mechanism),
                               gsasl_strerror(code)));
}

int set(Gsasl_session* session, Gsasl_property property, std::string_view value) {
    return gsasl_property_set_raw(session, property, value.data(), value.size());
}

}  // namespace

Expected<std::unique_ptr<Mechanism>> GsaslMechanism::make(std::string_view name,
                                                          const Credentials& credentials) {
    std::unique_ptr<GsaslMechanism> made(new GsaslMechanism());
    if (const int code = gsasl_init(&made->library_); code != GSASL_OK) {
        made->library_ = nullptr;  // has been released already, if it was there at all
        return cannot_start(name, code);
    }
    const std::string mechanism(name);
    int code = gsasl_client_start(made->library_, mechanism.c_str(), &made->session_);
    if (code != GSASL_OK) {
        return cannot_start(name, code);
    }
    // EXTERNAL: who we are, the certificate says; who we want to be, the authorization identity.
    const bool is_external = name == "EXTERNAL";
    code = set(made->session_, is_external ? GSASL_AUTHZID : GSASL_AUTHID, credentials.user);
    if (code == GSASL_OK && !is_external) {
        code = set(made->session_, GSASL_PASSWORD, credentials.secret.reveal());
    }
    if (code != GSASL_OK) {
        return cannot_start(name, code);
    }
    return std::unique_ptr<Mechanism>(std::move(made));
}

GsaslMechanism::~GsaslMechanism() {
    if (session_ != nullptr) {
        gsasl_finish(session_);
    }
    if (library_ != nullptr) {
        gsasl_done(library_);
    }
}

Expected<Secret> GsaslMechanism::respond(std::string_view challenge) {
    // GNU SASL ignores what it does not expect, and would even repeat the password on demand.
    if (has_ended_) {
        return bad_challenge("the mechanism has none at this point");
    }
    char* output = nullptr;
    std::size_t size = 0;
    const int code = gsasl_step(session_, challenge.data(), challenge.size(), &output, &size);
    if (code != GSASL_OK && code != GSASL_NEEDS_MORE) {
        has_ended_ = true;
        if (code == GSASL_SASLPREP_ERROR) {
            return failure(Errc::config, Retry::never,
                           "user or password is not fit for this login (SASLprep, RFC 4013); set "
                           "auth to plain if the server takes it");
        }
        return bad_challenge(gsasl_strerror(code));
    }
    has_ended_ = code == GSASL_OK;
    is_satisfied_ = has_ended_;
    Secret response{std::string(output == nullptr ? "" : output, size)};
    if (output != nullptr) {
        explicit_bzero(output, size);
        gsasl_free(output);
    }
    return response;
}

}  // namespace postrider::sasl
