#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "support/fake_pop3.h"

namespace postrider::test {

/// The server's half of one connection: lines of the client in, bytes out.
class FakePop3::Session {
  public:
    explicit Session(FakePop3& server) : server_(server) {}

    [[nodiscard]] FakeOutput greet() { return answer("greeting"); }
    /// `is_followed`: more of the client's bytes have come with this line.
    [[nodiscard]] FakeOutput on_line(const std::string& line, bool is_followed);
    /// Has the client asked for TLS, and may it begin?
    [[nodiscard]] bool awaits_tls() const { return awaits_tls_; }
    void tls_started() { awaits_tls_ = false; }

    /// The mailbox as this session sees it, once it has logged in.
    [[nodiscard]] const std::vector<Message>& listed() const { return listed_; }
    [[nodiscard]] const std::set<std::size_t>& retrieved() const { return retrieved_; }
    [[nodiscard]] const std::set<std::size_t>& deleted() const { return deleted_; }

  private:
    [[nodiscard]] FakeOutput answer(const std::string& line);
    [[nodiscard]] std::string usual_answer(const std::string& line, FakeOutput& output);
    [[nodiscard]] std::string log_in();
    [[nodiscard]] std::string capa() const;
    [[nodiscard]] std::string listing(bool uids) const;
    [[nodiscard]] std::string retrieve(std::string_view arguments, bool is_top);
    [[nodiscard]] std::string remove(std::string_view arguments);
    [[nodiscard]] std::string quit(FakeOutput& output);
    void take_from_mailbox(const std::set<std::size_t>& indices);
    [[nodiscard]] std::string line(std::string_view text) const {
        return std::string(text) + server_.line_end;
    }

    FakePop3& server_;
    bool is_logged_in_ = false;
    bool awaits_tls_ = false;
    std::vector<Message> listed_;      ///< the mailbox as this session sees it
    std::set<std::size_t> retrieved_;  ///< indices in listed_
    std::set<std::size_t> deleted_;
};

}  // namespace postrider::test
