#include "protocol/sasl/gsasl_mechanism.h"

#include <array>
#include <cstring>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <gsasl.h>

#include "postrider/base/text.h"

#include "protocol/sasl/encoding.h"

namespace postrider::sasl {

namespace {

/// Says nothing about the mechanism, nor about the password: the next login may go well.
tl::unexpected<Error> cannot_now(std::string_view mechanism, std::string_view why) {
    return failure(Errc::io, Retry::later,
                   fmt::format("a login with the mechanism {} is not possible just now: {}",
                               escaped(mechanism), why));
}

tl::unexpected<Error> cannot_start(std::string_view mechanism, int code) {
    if (code == GSASL_MALLOC_ERROR) {
        return cannot_now(mechanism, gsasl_strerror(code));
    }
    return failure(Errc::unsupported, Retry::never,
                   fmt::format("GNU SASL cannot do the mechanism {}: {}", escaped(mechanism),
                               gsasl_strerror(code)));
}

int set(Gsasl_session* session, Gsasl_property property, std::string_view value) {
    return gsasl_property_set_raw(session, property, value.data(), value.size());
}

/// What CRAM-MD5 will ask of both, found before the server is asked for a challenge.
Expected<void> check_fit(const Credentials& credentials) {
    const std::array<std::string_view, 2> texts = {credentials.user, credentials.secret.reveal()};
    for (const std::string_view text : texts) {
        if (auto fit = prepared(text); !fit) {
            return failure(std::move(fit).error());
        }
    }
    return {};
}

}  // namespace

Expected<std::unique_ptr<Mechanism>> GsaslMechanism::make(std::string_view name,
                                                          const Credentials& credentials) {
    std::unique_ptr<GsaslMechanism> made(new GsaslMechanism());
    if (const int code = gsasl_init(&made->library_); code != GSASL_OK) {
        made->library_ = nullptr;  // has been released already, if it was there at all
        return cannot_now(name, gsasl_strerror(code));
    }
    if (name == "CRAM-MD5") {
        if (auto fit = check_fit(credentials); !fit) {
            return failure(std::move(fit).error());
        }
    }
    made->name_ = name;
    int code = gsasl_client_start(made->library_, made->name_.c_str(), &made->session_);
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
        // What SASLprep refuses was found in make(): now it lacked memory.
        if (code == GSASL_MALLOC_ERROR || code == GSASL_SASLPREP_ERROR) {
            return cannot_now(name_, gsasl_strerror(GSASL_MALLOC_ERROR));
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
