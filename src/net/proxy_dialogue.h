#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "postrider/net/connector.h"

namespace postrider::net {

/// What is said to a proxy until it has connected us. Pure: bytes in, bytes out.
///
///   socks5:  methods -> [login ->] connecting -> done     (RFC 1928, RFC 1929)
///   http:    connecting -> done                           (RFC 9110 section 9.3.6)
class ProxyDialogue {
  public:
    static constexpr std::size_t kMaxReply = 16UL * 1024;  ///< octets of an HTTP reply

    /// Both outlive the dialogue.
    ProxyDialogue(const Proxy& proxy, const Endpoint& target);

    /// Understands the front of `input`: how much of it was taken, never more than the proxy's own
    /// words. Errors: config (it wants another login), network (it cannot reach the target),
    /// protocol, limit.
    [[nodiscard]] Expected<std::size_t> take(std::string_view input);

    /// What is to be sent now; may be empty.
    [[nodiscard]] std::string take_output();

    [[nodiscard]] bool is_done() const { return state_ == State::done; }

  private:
    enum class State : std::uint8_t { methods, login, connecting, done };

    void say_login();
    void say_connect();
    [[nodiscard]] Expected<std::size_t> take_method(std::string_view input);
    [[nodiscard]] Expected<std::size_t> take_login(std::string_view input);
    [[nodiscard]] Expected<std::size_t> take_socks_reply(std::string_view input);
    [[nodiscard]] Expected<std::size_t> take_http_reply(std::string_view input);

    const Proxy& proxy_;
    const Endpoint& target_;
    State state_ = State::connecting;
    std::string output_;
};

}  // namespace postrider::net
