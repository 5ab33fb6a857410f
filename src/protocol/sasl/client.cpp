#include "postrider/protocol/sasl/client.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "postrider/base/text.h"

#include "protocol/sasl/bearer.h"
#include "protocol/sasl/encoding.h"
#include "protocol/sasl/gsasl_mechanism.h"
#include "protocol/sasl/scram.h"

namespace postrider::sasl {

namespace {

constexpr std::array<std::string_view, 4> kByGsasl = {"PLAIN", "LOGIN", "CRAM-MD5", "EXTERNAL"};

Expected<std::unique_ptr<Mechanism>> make_mechanism(std::string_view name,
                                                    const Credentials& credentials) {
    constexpr std::string_view kPlus = "-PLUS";
    const bool is_plus = name.ends_with(kPlus);
    const std::string_view base = is_plus ? name.substr(0, name.size() - kPlus.size()) : name;
    if (base == "SCRAM-SHA-1" || base == "SCRAM-SHA-256") {
        return Scram::make({.hash = base == "SCRAM-SHA-1" ? mail::Hash::sha1 : mail::Hash::sha256,
                            .is_plus = is_plus,
                            .nonce = Scram::fresh_nonce()},
                           credentials);
    }
    if (name == "XOAUTH2") {
        return Bearer::make(Bearer::Kind::xoauth2, credentials);
    }
    if (name == "OAUTHBEARER") {
        return Bearer::make(Bearer::Kind::oauthbearer, credentials);
    }
    if (std::find(kByGsasl.begin(), kByGsasl.end(), name) != kByGsasl.end()) {
        return GsaslMechanism::make(name, credentials);
    }
    return failure(Errc::unsupported, Retry::never,
                   fmt::format("postrider does not know the login mechanism {}", escaped(name)));
}

}  // namespace

tl::unexpected<Error> bad_challenge(std::string_view why) {
    return failure(Errc::protocol, Retry::later,
                   fmt::format("the server's SASL challenge cannot be answered: {}", why));
}

bool client_begins(std::string_view mechanism) {
    return mechanism != "LOGIN" && mechanism != "CRAM-MD5";
}

bool takes_token(std::string_view mechanism) {
    return mechanism == "XOAUTH2" || mechanism == "OAUTHBEARER";
}

Client::Client(std::unique_ptr<Mechanism> mechanism, bool begins)
    : mechanism_(std::move(mechanism)), first_must_be_empty_(begins) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Expected<Client> Client::start(std::string_view mechanism, const Credentials& credentials) {
    auto made = make_mechanism(mechanism, credentials);
    if (!made) {
        return failure(std::move(made).error());
    }
    return Client(std::move(*made), client_begins(mechanism));
}

Expected<Secret> Client::decoded(std::string_view challenge) const {
    if (challenge.size() > kMaxChallenge) {
        return bad_challenge(fmt::format("it is longer than {} octets", kMaxChallenge));
    }
    if (first_must_be_empty_ && !challenge.empty()) {
        return bad_challenge("the mechanism begins with the client");
    }
    auto octets = from_base64(challenge);
    if (!octets) {
        return bad_challenge("it is no base64");
    }
    return std::move(*octets);
}

Expected<std::optional<KeyRequest>> Client::key_for(std::string_view challenge) {
    auto octets = decoded(challenge);
    if (!octets) {
        return failure(std::move(octets).error());
    }
    return mechanism_->key_for(octets->reveal());
}

void Client::take_key(const Secret& key) {
    mechanism_->take_key(key);
}

Expected<Secret> Client::respond(std::string_view challenge) {
    auto octets = decoded(challenge);
    if (!octets) {
        return failure(std::move(octets).error());
    }
    first_must_be_empty_ = false;
    auto response = mechanism_->respond(octets->reveal());
    if (!response) {
        return failure(std::move(response).error());
    }
    return response->empty() ? Secret() : to_base64(response->reveal());
}

bool Client::is_satisfied() const {
    return mechanism_->is_satisfied();
}

const std::optional<Complaint>& Client::complaint() const {
    return mechanism_->complaint();
}

}  // namespace postrider::sasl
