// A server that challenges with anything (P-014, P-015; the lessons of CVE-2025-61962 and
// CVE-2026-94184). It learns the secret from no error, and convinces no mechanism by which it would
// have to know it.
//
// First octet: the mechanism; second: how. Then challenges, each to the next LF. In them octet 1
// stands for the nonce that the client chose.
#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "postrider/protocol/sasl/client.h"

#include "fuzz/fuzz_input.h"
#include "protocol/sasl/encoding.h"

namespace postrider::sasl {
namespace {

constexpr std::array<std::string_view, 10> kMechanisms = {
    "PLAIN",       "LOGIN",       "CRAM-MD5",      "EXTERNAL",         "XOAUTH2",
    "OAUTHBEARER", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS"};
constexpr std::string_view kSecret = "zecret";

Credentials credentials(std::uint8_t how) {
    Credentials with;
    with.user = (how & 1U) != 0 ? "al=i,ce" : "alice";
    with.secret = Secret(std::string(kSecret));
    with.host = "pop.example";
    with.port = 995;
    with.binding = {"tls-exporter", "32 octets"};
    with.plus_is_listed = (how & 2U) != 0;
    return with;
}

class Server {
  public:
    Server(std::string_view mechanism, std::uint8_t how, Client client)
        : mechanism_(mechanism), encodes_((how & 4U) != 0), client_(std::move(client)) {}

    /// False when the client has given up.
    [[nodiscard]] bool say(std::string_view challenge) {
        const std::string text = on_the_wire(challenge);
        const auto request = client_.key_for(text);
        if (request && *request) {
            POSTRIDER_ASSERT((*request)->iterations <= kMaxIterations);
            // Deriving one takes long, and a wrong one is as good here.
            client_.take_key(
                Secret(std::string((*request)->hash == mail::Hash::sha1 ? 20 : 32, 'k')));
        }
        const auto response = client_.respond(text);
        if (!response) {
            POSTRIDER_ASSERT(response.error().text.find(kSecret) == std::string::npos);
            return false;
        }
        POSTRIDER_ASSERT(response->reveal().find_first_of("\r\n") == std::string_view::npos);
        if (const auto& complaint = client_.complaint()) {
            POSTRIDER_ASSERT(complaint->text.find_first_of("\r\n") == std::string::npos);
        }
        POSTRIDER_ASSERT(!mechanism_.starts_with("SCRAM-") || !client_.is_satisfied());
        if (nonce_.empty()) {
            learn_nonce(response->reveal());
        }
        return true;
    }

  private:
    void learn_nonce(std::string_view response) {
        const auto message = from_base64(response);
        const std::size_t at = message ? message->reveal().find(",r=") : std::string_view::npos;
        if (at != std::string_view::npos) {
            nonce_ = message->reveal().substr(at + 3);
        }
    }

    [[nodiscard]] std::string on_the_wire(std::string_view challenge) const {
        std::string text;
        for (const char octet : challenge) {
            octet == '\1' ? text += nonce_ : text += octet;
        }
        return encodes_ ? std::string(to_base64(text).reveal()) : text;
    }

    std::string_view mechanism_;
    bool encodes_;
    Client client_;
    std::string nonce_;
};

}  // namespace
}  // namespace postrider::sasl

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace postrider::sasl;
    postrider::fuzz::Input input(data, size);
    const std::string_view mechanism = kMechanisms.at(input.octet() % kMechanisms.size());
    const std::uint8_t how = input.octet();
    auto client = Client::start(mechanism, credentials(how));
    if (!client) {
        return 0;
    }
    Server server(mechanism, how, std::move(*client));
    std::string_view rest = input.rest();
    if (rest.find(kSecret) != std::string_view::npos) {
        return 0;  // it would find what it brought
    }
    bool goes_on = !client_begins(mechanism) || server.say("");
    while (goes_on && !rest.empty()) {
        const std::string_view challenge = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(challenge.size() + 1, rest.size()));
        goes_on = server.say(challenge);
    }
    return 0;
}
