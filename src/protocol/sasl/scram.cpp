#include "protocol/sasl/scram.h"

#include <array>
#include <cstring>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <gsasl.h>

#include "postrider/base/assert.h"
#include "postrider/base/out_of_memory.h"
#include "postrider/base/text.h"

#include "protocol/sasl/encoding.h"

namespace postrider::sasl {

namespace {

constexpr std::size_t kNonceOctets = 18;

/// Takes "x=value" off the front of a message, up to the comma; nothing if it is not that one.
std::optional<std::string_view> take_attribute(std::string_view& message, char name) {
    if (message.size() < 2 || message[0] != name || message[1] != '=') {
        return std::nullopt;
    }
    const std::size_t end = std::min(message.find(','), message.size());
    const std::string_view value = message.substr(2, end - 2);
    message.remove_prefix(std::min(end + 1, message.size()));
    return value;
}

/// "n", "y" or "p=name", and the two commas around no authorization identity (RFC 5802 section 7).
std::string gs2_header(bool is_plus, const Credentials& credentials) {
    if (is_plus) {
        return "p=" + credentials.binding.name + ",,";
    }
    const bool could_have = !credentials.binding.octets.empty() && !credentials.plus_is_listed;
    return could_have ? "y,," : "n,,";
}

/// Does not tell by its time how much is equal.
bool equal_octets(std::string_view a, std::string_view b) {
    int difference = a.size() == b.size() ? 0 : 1;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        difference |= a[i] ^ b[i];
    }
    return difference == 0;
}

/// ClientKey, StoredKey and ServerKey of RFC 5802 section 3.
struct Keys {
    using Octets = std::array<char, GSASL_HASH_MAX_SIZE>;

    Keys(mail::Hash hash, const Secret& salted_password) : size(salted_password.reveal().size()) {
        const int code = gsasl_scram_secrets_from_salted_password(
            hash == mail::Hash::sha1 ? GSASL_HASH_SHA1 : GSASL_HASH_SHA256,
            salted_password.reveal().data(), client.data(), server.data(), stored.data());
        if (code == GSASL_MALLOC_ERROR) {
            out_of_memory();
        }
        POSTRIDER_ASSERT(code == GSASL_OK);
    }
    Keys(const Keys&) = delete;
    Keys& operator=(const Keys&) = delete;
    ~Keys() {
        for (Octets* const octets : {&client, &server, &stored}) {
            explicit_bzero(octets->data(), octets->size());
        }
    }

    [[nodiscard]] std::string_view view(const Octets& octets) const {
        return {octets.data(), size};
    }

    Octets client{};
    Octets server{};
    Octets stored{};
    std::size_t size;
};

}  // namespace

Expected<std::unique_ptr<Mechanism>> Scram::make(Wishes wishes, const Credentials& credentials) {
    if (wishes.is_plus && credentials.binding.octets.empty()) {
        return failure(Errc::config, Retry::never,
                       "there is no TLS channel that this login (-PLUS) could be bound to; choose "
                       "another auth, or another channel_binding");
    }
    auto user = prepared(credentials.user);
    if (!user) {
        return failure(std::move(user).error());
    }
    auto password = prepared(credentials.secret.reveal());
    if (!password) {
        return failure(std::move(password).error());
    }
    return std::unique_ptr<Mechanism>(
        new Scram(std::move(wishes), std::move(*user), std::move(*password), credentials));
}

Scram::Scram(Wishes wishes, Secret user, Secret password, const Credentials& credentials)
    : wishes_(std::move(wishes)),
      user_(std::move(user)),
      password_(std::move(password)),
      gs2_header_(gs2_header(wishes_.is_plus, credentials)),
      binding_octets_(wishes_.is_plus ? credentials.binding.octets : std::string()) {}

std::string Scram::fresh_nonce() {
    std::array<char, kNonceOctets> octets{};
    POSTRIDER_ASSERT(gsasl_nonce(octets.data(), octets.size()) == GSASL_OK);
    return std::string(to_base64({octets.data(), octets.size()}).reveal());
}

Expected<Secret> Scram::respond(std::string_view challenge) {
    const bool is_refusal = challenge.starts_with("e=");
    switch (state_) {
        case State::begin:
            return client_first();
        case State::first_sent:
            return is_refusal ? Expected<Secret>(on_refused(challenge)) : client_final(challenge);
        case State::final_sent:
            return is_refusal ? Expected<Secret>(on_refused(challenge))
                              : on_server_final(challenge);
        case State::verified:
        case State::refused:
            break;
    }
    return bad_challenge("the mechanism has none at this point");
}

Secret Scram::client_first() {
    first_bare_ = "n=" + gs2_name(user_.reveal()) + ",r=" + wishes_.nonce;
    state_ = State::first_sent;
    return Secret(gs2_header_ + first_bare_);
}

Expected<Scram::ServerFirst> Scram::parsed_first(std::string_view message) const {
    ServerFirst first;
    const auto nonce = take_attribute(message, 'r');
    const auto salt = nonce ? take_attribute(message, 's') : std::nullopt;
    const auto iterations = salt ? take_attribute(message, 'i') : std::nullopt;
    const auto count = iterations ? parse_unsigned(*iterations) : std::nullopt;
    const auto octets = salt ? from_base64(*salt) : std::nullopt;
    if (!count || !octets || octets->empty()) {
        return bad_challenge("it is no first message of a SCRAM server");
    }
    // A nonce of ours alone would let an old conversation be played again (RFC 5802 section 5.1).
    if (!nonce->starts_with(wishes_.nonce) || nonce->size() == wishes_.nonce.size()) {
        return bad_challenge("its nonce does not go on from ours");
    }
    if (*count < kMinIterations || *count > kMaxIterations) {
        return bad_challenge(fmt::format("it asks for {} iterations, and {} to {} are allowed",
                                         *count, kMinIterations, kMaxIterations));
    }
    first.nonce = *nonce;
    first.salt = octets->reveal();
    first.iterations = static_cast<std::uint32_t>(*count);
    return first;
}

KeyRequest Scram::request_for(const ServerFirst& first) const {
    return {.hash = wishes_.hash,
            .password = password_,
            .salt = first.salt,
            .iterations = first.iterations};
}

Expected<std::optional<KeyRequest>> Scram::key_for(std::string_view challenge) {
    if (state_ != State::first_sent || challenge.starts_with("e=")) {
        return std::nullopt;
    }
    return parsed_first(challenge).map(
        [this](const ServerFirst& first) { return std::optional(request_for(first)); });
}

Expected<Secret> Scram::client_final(std::string_view server_first) {
    const auto first = parsed_first(server_first);
    if (!first) {
        return failure(first.error());
    }
    if (key_.empty()) {
        key_ = derive_key(request_for(*first));
    }
    const Keys keys(wishes_.hash, key_);
    const std::string bare =
        fmt::format("c={},r={}", to_base64(gs2_header_ + binding_octets_).reveal(), first->nonce);
    const std::string auth_message = fmt::format("{},{},{}", first_bare_, server_first, bare);

    std::string proof = mail::hmac(wishes_.hash, keys.view(keys.stored), auth_message);
    for (std::size_t i = 0; i < proof.size(); ++i) {
        proof[i] = static_cast<char>(proof[i] ^ keys.client.at(i));
    }
    server_signature_ = mail::hmac(wishes_.hash, keys.view(keys.server), auth_message);
    state_ = State::final_sent;
    return Secret(fmt::format("{},p={}", bare, to_base64(proof).reveal()));
}

Expected<Secret> Scram::on_server_final(std::string_view message) {
    const auto value = take_attribute(message, 'v');
    const auto signature = value ? from_base64(*value) : std::nullopt;
    if (!signature) {
        return bad_challenge("it is no last message of a SCRAM server");
    }
    if (!equal_octets(signature->reveal(), server_signature_)) {
        return bad_challenge(
            "the server does not know the password: it may not be the one that it poses as");
    }
    state_ = State::verified;
    return Secret();
}

Secret Scram::on_refused(std::string_view message) {
    state_ = State::refused;
    const std::string_view reason = message.substr(2);
    complain({.text = escaped(reason), .is_temporary = reason == "no-resources"});
    return {};
}

}  // namespace postrider::sasl
