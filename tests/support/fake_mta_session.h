#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/fake_mta.h"

namespace postrider::test {

/// Finds the end of content, octet by octet, as a server of its dialect does.
class FakeMtaContent {
  public:
    explicit FakeMtaContent(FakeMta::Dialect dialect) : dialect_(dialect) {}

    /// True: with this octet the content has ended.
    [[nodiscard]] bool take(char octet);
    /// Without dot-stuffing and the final dot.
    [[nodiscard]] const std::string& octets() const { return octets_; }
    [[nodiscard]] std::size_t received() const { return received_; }
    /// An LF that follows belongs to the CR that has ended the content.
    [[nodiscard]] bool ended_with_cr() const { return ended_with_cr_; }

  private:
    [[nodiscard]] bool is_line_end(char octet) const;

    FakeMta::Dialect dialect_;
    std::string line_;
    std::string octets_;
    std::size_t received_ = 0;
    bool ended_with_cr_ = false;
};

/// The server's half of one connection: bytes of the client in, bytes out.
class FakeMta::Session {
  public:
    Session(FakeMta& server, std::size_t number) : server_(server), number_(number) {}

    void greet();
    /// Takes off the front of `inbox` what it understands.
    void on_bytes(std::string& inbox);
    [[nodiscard]] std::string take_output() { return std::exchange(output_, {}); }
    [[nodiscard]] bool is_over() const { return is_over_; }
    [[nodiscard]] bool awaits_tls() const { return awaits_tls_; }
    void tls_started() { awaits_tls_ = false; }

  private:
    void on_command(const std::string& line);
    void on_hello();
    void on_mail(const std::string& line);
    void on_rcpt(const std::string& line);
    void on_data();
    void on_chunk(std::string_view arguments);
    void take_chunk(std::string& inbox);
    void on_content_octet(char octet);
    void on_content_end();
    void keep(const std::string& recipient);
    void forget_transaction();

    /// Answers as a rule says, or with `usual`; true if the answer is positive.
    bool answer(Stage stage, const std::string& usual, const std::string& recipient = {});
    [[nodiscard]] std::optional<Rule> take_rule(Stage stage, const std::string& recipient);
    void say(const std::string& reply) { output_ += reply + "\r\n"; }

    FakeMta& server_;
    std::size_t number_;
    std::string output_;
    bool is_over_ = false;
    bool awaits_tls_ = false;
    bool has_mail_ = false;
    std::string sender_;
    std::vector<std::string> recipients_;
    std::optional<FakeMtaContent> content_;
    bool swallows_lf_ = false;
    std::string chunks_;
    std::size_t chunk_left_ = 0;
    bool is_last_chunk_ = false;
    bool is_in_chunk_ = false;
};

}  // namespace postrider::test
