#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "postrider/net/connector.h"

#include "support/sim_loop.h"

namespace postrider::test {

/// A mail server, SMTP or LMTP, on virtual time and without a socket: the Connector to give to the
/// sink under test. It takes every message as RFC 5321 and 2033 say, keeps what it took octet by
/// octet, and does at each stage of a session what a rule below says instead.
class FakeMta final : public net::Connector {
  public:
    enum class Stage : std::uint8_t {
        greeting,
        hello,
        starttls,
        auth,
        mail,
        rcpt,
        data,
        content,    ///< while it comes in
        final_dot,  ///< the answer to it; in LMTP one for each recipient
        after,      ///< behind the answer to the final dot
    };

    /// What ends a line of content, and so what ends content.
    enum class Dialect : std::uint8_t {
        crlf,   ///< CRLF.CRLF and nothing else
        lf,     ///< LF, with or without CR before it (old sendmail, many others)
        mixed,  ///< CR, LF, CRLF; and a line counts as far as its first NUL (strcmp)
    };

    /// What happens instead of the usual answer, the first rule that fits counts.
    struct Rule {
        Stage stage;
        std::string reply = {};  ///< without its CRLF; empty: the usual one, or none with hangs_up
        bool hangs_up = false;   ///< the connection ends behind the reply
        /// The message is taken all the same: of final_dot and content.
        bool takes_it = false;
        std::size_t at_octet = 0;    ///< of content: so many octets have come
        std::string sender = {};     ///< only of messages from there
        std::string recipient = {};  ///< only for this one: of rcpt, and of LMTP's final_dot
        std::size_t times = 0;       ///< how often; 0: always
    };

    /// One recipient who got one message.
    struct Taken {
        std::string sender;
        std::string recipient;
        std::string octets;  ///< dot-stuffing undone, line ends as they came
        std::size_t connection = 0;
    };

    explicit FakeMta(SimLoop& loop) : loop_(loop) {}

    [[nodiscard]] std::unique_ptr<event::Operation> connect(const net::ConnectRequest& request,
                                                            net::ConnectDone done) override;

    bool is_lmtp = false;
    std::vector<std::string> extensions = {"PIPELINING", "8BITMIME", "SIZE 100000000",
                                           "ENHANCEDSTATUSCODES"};
    Dialect dialect = Dialect::crlf;
    bool is_down = false;  ///< connections are refused
    std::vector<Rule> rules;

    [[nodiscard]] const std::vector<Taken>& taken() const { return taken_; }
    [[nodiscard]] std::size_t taken_from(std::string_view sender) const;
    [[nodiscard]] std::size_t taken_by(std::string_view recipient) const;
    /// Of what was taken, how much had been taken before: by recipient and X-Postrider-Id.
    [[nodiscard]] std::size_t duplicates() const;
    /// Every line that clients have sent as a command.
    [[nodiscard]] const std::vector<std::string>& commands() const { return commands_; }
    [[nodiscard]] std::size_t connections() const { return connections_; }

  private:
    class Session;
    class Stream;

    SimLoop& loop_;
    std::vector<Taken> taken_;
    std::vector<std::string> commands_;
    std::size_t connections_ = 0;
};

}  // namespace postrider::test
