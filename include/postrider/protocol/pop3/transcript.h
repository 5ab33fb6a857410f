#pragma once

#include <string_view>

namespace postrider::pop3 {

/// Somebody who may listen to a session, line by line. What is told has passed the escaper and
/// holds no secret: where in the protocol a line stands decides what is withheld, not what it looks
/// like. Of messages only the size is told.
class Transcript {
  public:
    Transcript() = default;
    Transcript(const Transcript&) = delete;
    Transcript& operator=(const Transcript&) = delete;
    virtual ~Transcript() = default;

    /// Asked before each line: nothing is made ready where nobody listens.
    [[nodiscard]] virtual bool is_wanted() const = 0;

    virtual void client(std::string_view line) = 0;
    virtual void server(std::string_view line) = 0;
    /// What else happens: connection, TLS, the end.
    virtual void note(std::string_view text) = 0;
};

}  // namespace postrider::pop3
