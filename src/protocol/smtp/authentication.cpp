#include "protocol/smtp/authentication.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "postrider/base/text.h"

namespace postrider::smtp {
namespace {

/// Those whose messages tell the password only to whom knows it; then those that need TLS for that.
constexpr std::array<std::string_view, 5> kBestFirst = {"SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN",
                                                        "LOGIN", "CRAM-MD5"};
constexpr std::array<std::string_view, 5> kBestFirstInClear = {"SCRAM-SHA-256", "SCRAM-SHA-1",
                                                               "CRAM-MD5", "PLAIN", "LOGIN"};

bool offers(const Capabilities& offered, std::string_view mechanism) {
    return std::find(offered.auth.begin(), offered.auth.end(), mechanism) != offered.auth.end();
}

bool has_forbidden_octet(std::string_view text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

/// Empty if the server offers nothing that we can do.
std::string best_of(const Capabilities& offered, bool encrypted) {
    const auto& order = encrypted ? kBestFirst : kBestFirstInClear;
    const auto* const best =
        std::find_if(order.begin(), order.end(),
                     [&offered](std::string_view mechanism) { return offers(offered, mechanism); });
    return best == order.end() ? std::string() : std::string(*best);
}

std::string in_list(const std::vector<std::string>& mechanisms) {
    std::string list;
    for (const std::string& mechanism : mechanisms) {
        list += (list.empty() ? "" : " ") + escaped(mechanism, 32);
    }
    return list.empty() ? "no AUTH at all" : "AUTH " + list;
}

/// "head tail", or what of them is not empty, with CRLF; in memory that is wiped.
Secret line_of(std::string_view head, std::string_view tail) {
    std::string line;
    line.reserve(head.size() + tail.size() + 3);
    line.append(head);
    if (!head.empty() && !tail.empty()) line += ' ';
    line.append(tail).append("\r\n");
    return Secret(std::move(line));
}

}  // namespace

Authentication::Authentication(std::string mechanism, const Login& login, sasl::Client client)
    : mechanism_(std::move(mechanism)), user_(login.user), client_(std::move(client)) {
    quoter_.withhold(login.password);
}

Expected<Authentication> Authentication::choose(const Login& login, const Capabilities& offered,
                                                bool encrypted) {
    const std::string_view password = login.password.reveal();
    if (login.user.empty() || password.empty() || has_forbidden_octet(login.user) ||
        has_forbidden_octet(password)) {
        return failure(Errc::config, Retry::never,
                       "user or password of the destination is empty, or contains a line end or a "
                       "NUL; correct it");
    }
    const std::string mechanism =
        login.mechanism.empty() ? best_of(offered, encrypted) : login.mechanism;
    if (mechanism.empty() || !offers(offered, mechanism)) {
        return failure(Errc::unsupported, Retry::never,
                       fmt::format("the server offers {}, but the configuration asks for {}; check "
                                   "auth and tls of the destination",
                                   in_list(offered.auth), mechanism.empty() ? "auto" : mechanism));
    }
    auto client = sasl::Client::start(mechanism, {.user = login.user, .secret = login.password});
    if (!client) return failure(std::move(client).error());
    return Authentication(mechanism, login, std::move(*client));
}

Expected<Secret> Authentication::begin() {
    const std::string command = "AUTH " + mechanism_;
    // No initial response for a token: Microsoft's servers end the session over a long one.
    if (!sasl::client_begins(mechanism_) || sasl::takes_token(mechanism_))
        return line_of(command, {});
    auto response = client_.respond({});
    if (!response) return failure(std::move(response).error());
    const std::string_view text = response->empty() ? "=" : response->reveal();
    if (command.size() + 1 + text.size() + 2 > kMaxCommandLine) {
        // It is sent in answer to an empty challenge instead (RFC 4954 section 4).
        pending_ = std::move(*response);
        return line_of(command, {});
    }
    quoter_.withhold(*response);
    return line_of(command, text);
}

Expected<Authentication::Step> Authentication::on_reply(const Reply& reply) {
    if (error_) return failure(*error_);
    if (reply.code == 334) return on_challenge(reply.text);
    if (!reply.is_positive()) return failure(refused(reply));
    if (!client_.is_satisfied()) {
        return failure(Errc::protocol, Retry::later,
                       "the server said yes to AUTH " + mechanism_ +
                           " before it had proved itself: it may not be the one that it poses as");
    }
    return Step{.authenticated = true};
}

Authentication::Step Authentication::on_challenge(std::string_view challenge) {
    if (pending_ && challenge.empty()) {
        return Step{.send = answer(*std::exchange(pending_, std::nullopt))};
    }
    auto key = client_.key_for(challenge);
    if (!key) return Step{.send = answer(failure(std::move(key).error()))};
    if (*key) {
        challenge_ = challenge;
        return Step{.key = std::move(*key)};
    }
    return Step{.send = answer(client_.respond(challenge))};
}

Secret Authentication::on_key(const Secret& key) {
    client_.take_key(key);
    return answer(client_.respond(std::exchange(challenge_, {})));
}

Secret Authentication::answer(Expected<Secret> response) {
    if (!response) {
        error_ = std::move(response).error().in("AUTH " + mechanism_);
        return Secret(std::string("*\r\n"));
    }
    quoter_.withhold(*response);
    return line_of({}, response->reveal());
}

/// RFC 4954 section 6: 4yz is the server's trouble, 5yz is ours.
Error Authentication::refused(const Reply& reply) const {
    if (reply.is_transient()) {
        return {Errc::busy, Retry::later,
                fmt::format("the server cannot log us in now: {}", described(reply))};
    }
    return {
        Errc::login_refused, Retry::never,
        fmt::format("the server refuses the login {} (AUTH {}): {}{}; check user and password of "
                    "the destination",
                    escaped(user_), mechanism_, described(reply),
                    client_.complaint() ? ", explaining: " + client_.complaint()->text : "")};
}

std::string Authentication::described(const Reply& reply) const {
    return fmt::format("{}{}{} {}", reply.code, reply.enhanced.empty() ? "" : " ", reply.enhanced,
                       quoter_.quoted(reply.text));
}

}  // namespace postrider::smtp
