#include "postrider/protocol/sasl/client.h"

#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <gsasl.h>

#include "postrider/base/text.h"

namespace postrider::sasl {

namespace {

/// Does the server speak first (RFC 4422 section 3)? All other mechanisms begin with the client.
bool server_begins(std::string_view mechanism) {
    return iequals(mechanism, "LOGIN") || iequals(mechanism, "CRAM-MD5") ||
           iequals(mechanism, "DIGEST-MD5");
}

tl::unexpected<Error> bad_challenge(std::string_view why) {
    return failure(Errc::protocol, Retry::later,
                   fmt::format("the server's SASL challenge cannot be answered: {}", why));
}

tl::unexpected<Error> unsupported(std::string_view mechanism, int code) {
    return failure(Errc::unsupported, Retry::never,
                   fmt::format("GNU SASL cannot do the mechanism {}: {}", escaped(mechanism),
                               gsasl_strerror(code)));
}

}  // namespace

/// A GNU SASL library handle per authentication: nothing is shared, and the copies of the password
/// that the library holds go with it.
struct Client::Session {
    Session() = default;
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session() {
        if (session != nullptr) {
            gsasl_finish(session);
        }
        if (library != nullptr) {
            gsasl_done(library);
        }
    }

    Gsasl* library = nullptr;
    Gsasl_session* session = nullptr;
    bool first_must_be_empty = false;  ///< the client begins, and has not begun yet
    bool finished = false;             ///< the mechanism has said all it has to say
};

Client::Client(std::unique_ptr<Session> session) : session_(std::move(session)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Expected<Client> Client::start(std::string_view mechanism, std::string_view user,
                               const Secret& password) {
    auto session = std::make_unique<Session>();
    if (const int code = gsasl_init(&session->library); code != GSASL_OK) {
        return unsupported(mechanism, code);
    }
    const std::string name(mechanism);
    if (const int code = gsasl_client_start(session->library, name.c_str(), &session->session);
        code != GSASL_OK) {
        return unsupported(mechanism, code);
    }
    session->first_must_be_empty = !server_begins(mechanism);

    const std::string_view secret = password.reveal();
    int code = gsasl_property_set_raw(session->session, GSASL_AUTHID, user.data(), user.size());
    if (code == GSASL_OK) {
        code =
            gsasl_property_set_raw(session->session, GSASL_PASSWORD, secret.data(), secret.size());
    }
    if (code != GSASL_OK) {
        return unsupported(mechanism, code);
    }
    return Client(std::move(session));
}

Expected<Secret> Client::respond(std::string_view challenge) {
    if (challenge.size() > kMaxChallenge) {
        return bad_challenge(fmt::format("it is longer than {} octets", kMaxChallenge));
    }
    // GNU SASL ignores what it does not expect, and would even repeat the password on demand.
    if (session_->finished) {
        return bad_challenge("the mechanism has none at this point");
    }
    if (std::exchange(session_->first_must_be_empty, false) && !challenge.empty()) {
        return bad_challenge("the mechanism begins with the client");
    }
    if (challenge.find('\0') != std::string_view::npos) {
        return bad_challenge("it is no base64");
    }
    const std::string input(challenge);
    char* output = nullptr;
    const int code = gsasl_step64(session_->session, input.c_str(), &output);
    if (code != GSASL_OK && code != GSASL_NEEDS_MORE) {
        session_->finished = true;
        return bad_challenge(gsasl_strerror(code));
    }
    session_->finished = code == GSASL_OK;
    const std::size_t length = output == nullptr ? 0 : std::strlen(output);
    Secret response{std::string(output == nullptr ? "" : output, length)};
    if (output != nullptr) {
        explicit_bzero(output, length);
        gsasl_free(output);
    }
    return response;
}

}  // namespace postrider::sasl
