#include "net/proxy_dialogue.h"

#include <array>
#include <utility>

#include <arpa/inet.h>
#include <openssl/evp.h>

#include "postrider/base/assert.h"
#include "postrider/base/text.h"

namespace postrider::net {
namespace {

constexpr char kVersion = 5;
constexpr char kLoginVersion = 1;
constexpr char kNoLogin = 0;
constexpr char kUserAndPassword = 2;
constexpr char kNoneFits = '\xff';
constexpr char kConnect = 1;
constexpr char kIpv4 = 1;
constexpr char kName = 3;
constexpr char kIpv6 = 4;

std::string base64(std::string_view text) {
    std::string out(4 * ((text.size() + 2) / 3) + 1, '\0');
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
    out.resize(static_cast<std::size_t>(size));
    return out;
}

/// A string behind the octet that tells its length.
std::string counted(std::string_view text) {
    POSTRIDER_ASSERT(text.size() <= 255);
    return static_cast<char>(text.size()) + std::string(text);
}

std::string socks_address(const std::string& host) {
    in_addr v4{};
    if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) {
        return kIpv4 + std::string(reinterpret_cast<const char*>(&v4), sizeof v4);
    }
    in6_addr v6{};
    if (::inet_pton(AF_INET6, host.c_str(), &v6) == 1) {
        return kIpv6 + std::string(reinterpret_cast<const char*>(&v6), sizeof v6);
    }
    return kName + counted(host);
}

/// RFC 1928 section 6.
std::string socks_fault(unsigned char code) {
    constexpr std::array<std::string_view, 9> kTexts = {"",
                                                        "it has failed",
                                                        "its rules do not allow it",
                                                        "network unreachable",
                                                        "host unreachable",
                                                        "connection refused",
                                                        "no answer in time",
                                                        "it does not know the command",
                                                        "it does not know the kind of address"};
    return code < kTexts.size() ? std::string(kTexts.at(code))
                                : "it has failed (" + std::to_string(code) + ")";
}

auto no_socks() {
    return failure(Errc::protocol, Retry::later, "what answers there is no SOCKS5 proxy");
}

}  // namespace

ProxyDialogue::ProxyDialogue(const Proxy& proxy, const Endpoint& target)
    : proxy_(proxy), target_(target) {
    if (proxy_.kind == Proxy::Kind::http) {
        say_connect();
    } else {
        state_ = State::methods;
        output_ = proxy_.user.empty() ? std::string({kVersion, 1, kNoLogin})
                                      : std::string({kVersion, 2, kNoLogin, kUserAndPassword});
    }
}

std::string ProxyDialogue::take_output() {
    return std::exchange(output_, {});
}

Expected<std::size_t> ProxyDialogue::take(std::string_view input) {
    switch (state_) {
        case State::methods:
            return take_method(input);
        case State::login:
            return take_login(input);
        case State::connecting:
            return proxy_.kind == Proxy::Kind::http ? take_http_reply(input)
                                                    : take_socks_reply(input);
        case State::done:
            break;
    }
    return 0;
}

void ProxyDialogue::say_login() {
    state_ = State::login;
    output_ = kLoginVersion + counted(proxy_.user) + counted(proxy_.password.reveal());
}

void ProxyDialogue::say_connect() {
    state_ = State::connecting;
    if (proxy_.kind == Proxy::Kind::http) {
        const std::string where = target_.to_text();
        output_ = "CONNECT " + where + " HTTP/1.1\r\nHost: " + where + "\r\n";
        if (!proxy_.user.empty()) {
            output_ += "Proxy-Authorization: Basic " +
                       base64(proxy_.user + ":" + std::string(proxy_.password.reveal())) + "\r\n";
        }
        output_ += "\r\n";
        return;
    }
    output_ = std::string({kVersion, kConnect, 0}) + socks_address(target_.host) +
              static_cast<char>(target_.port >> 8U) + static_cast<char>(target_.port & 0xffU);
}

Expected<std::size_t> ProxyDialogue::take_method(std::string_view input) {
    if (!input.empty() && input[0] != kVersion) {
        return no_socks();
    }
    if (input.size() < 2) {
        return 0;
    }
    if (input[1] == kNoLogin) {
        say_connect();
    } else if (input[1] == kUserAndPassword && !proxy_.user.empty()) {
        say_login();
    } else if (input[1] == kNoneFits || input[1] == kUserAndPassword) {
        return failure(Errc::config, Retry::never,
                       proxy_.user.empty() ? "it wants a login: set user and password of proxy"
                                           : "it takes no login by user and password");
    } else {
        return no_socks();
    }
    return 2;
}

Expected<std::size_t> ProxyDialogue::take_login(std::string_view input) {
    if (input.size() < 2) {
        return 0;
    }
    if (input[1] != 0) {
        return failure(Errc::config, Retry::never, "it refuses user or password of proxy");
    }
    say_connect();
    return 2;
}

Expected<std::size_t> ProxyDialogue::take_socks_reply(std::string_view input) {
    constexpr std::size_t kBeforeAddress = 4;
    if (!input.empty() && input[0] != kVersion) {
        return no_socks();
    }
    if (input.size() >= 2 && input[1] != 0) {
        return failure(Errc::network, Retry::later,
                       socks_fault(static_cast<unsigned char>(input[1])));
    }
    if (input.size() <= kBeforeAddress) {
        return 0;
    }
    std::size_t size = kBeforeAddress + 2;
    switch (input[3]) {
        case kIpv4:
            size += sizeof(in_addr);
            break;
        case kIpv6:
            size += sizeof(in6_addr);
            break;
        case kName:
            size += 1U + static_cast<unsigned char>(input[kBeforeAddress]);
            break;
        default:
            return no_socks();
    }
    if (input.size() < size) {
        return 0;
    }
    state_ = State::done;
    return size;
}

Expected<std::size_t> ProxyDialogue::take_http_reply(std::string_view input) {
    constexpr std::string_view kEnd = "\r\n\r\n";
    const std::size_t end = input.find(kEnd);
    if (end == std::string_view::npos) {
        if (input.size() >= kMaxReply) {
            return failure(Errc::limit, Retry::later, "its answer is longer than 16 KiB");
        }
        return 0;
    }
    const std::string_view line = input.substr(0, input.find("\r\n"));
    std::string_view rest = line;
    const std::string_view version = next_word(rest);
    const std::string_view code = next_word(rest);
    if (!version.starts_with("HTTP/1.") || code.size() != 3) {
        return failure(Errc::protocol, Retry::later, "what answers there is no HTTP proxy");
    }
    if (code == "407" || code == "401") {  // tinyproxy answers a wrong login with 401
        return failure(Errc::config, Retry::never,
                       proxy_.user.empty() ? "it wants a login: set user and password of proxy"
                                           : "it refuses user or password of proxy");
    }
    if (code.front() != '2') {
        return failure(Errc::network, Retry::later, "it answers " + escaped(line, 200));
    }
    state_ = State::done;
    return end + kEnd.size();
}

}  // namespace postrider::net
