#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "postrider/protocol/smtp/dialogue.h"

namespace postrider::smtp {

/// A server of the tests: takes what the client says and answers as it is told to, one reply a
/// command. After a 421 it says nothing more. It knows the rules of RFC 5321 and 2033 that the
/// client relies on: 503 out of order, one reply after LMTP's dot for each accepted recipient.
class FakeServer {
  public:
    explicit FakeServer(Flavour flavour, bool pipelining)
        : flavour_(flavour), pipelining_(pipelining) {}

    // Codes of the answers. The last one of a list stands for all further.
    std::string mail = "250";
    std::vector<std::string> rcpt{"250"};
    std::string data = "354";
    std::vector<std::string> dot{"250"};
    std::string rset = "250";

    std::vector<std::string> commands;  ///< verbs, in order; "." for the end of the content
    std::string content;                ///< of the last transaction, un-stuffed
    std::size_t most_at_once = 0;       ///< commands in one write of the client

    /// What the server sends in answer to these bytes.
    std::string answer(std::string_view bytes) {
        std::string replies;
        std::size_t lines = 0;
        while (!bytes.empty() && !closed_) {
            const std::size_t end = bytes.find("\r\n");
            EXPECT_NE(end, std::string_view::npos) << "an unfinished line";
            const std::string_view line = bytes.substr(0, end);
            bytes.remove_prefix(end + 2);
            if (in_content_) {
                replies += take_content(line);
            } else {
                ++lines;
                replies += take_command(line);
            }
        }
        most_at_once = std::max(most_at_once, lines);
        return replies;
    }

  private:
    std::string reply(const std::string& code) {
        if (closed_) return "";
        closed_ = code == "421";
        return code + " text\r\n";
    }

    static std::string nth(const std::vector<std::string>& list, std::size_t n) {
        return list.at(std::min(n, list.size() - 1));
    }

    std::string take_content(std::string_view line) {
        if (line != ".") {
            content.append(line.starts_with('.') ? line.substr(1) : line).append("\r\n");
            return "";
        }
        commands.emplace_back(".");
        in_content_ = false;
        std::string replies;
        const std::size_t answers = flavour_ == Flavour::lmtp ? accepted_ : 1;
        for (std::size_t i = 0; i < answers; ++i) replies += reply(nth(dot, i));
        has_mail_ = false;
        return replies;
    }

    std::string take_command(std::string_view line) {
        const std::string verb(line.substr(0, 4));
        commands.push_back(verb);
        if (verb == "EHLO" || verb == "LHLO") {
            return pipelining_ ? "250-mx\r\n250 PIPELINING\r\n" : "250 mx\r\n";
        }
        if (verb == "MAIL") {
            has_mail_ = mail.front() == '2';
            accepted_ = named_ = 0;
            content.clear();
            return reply(mail);
        }
        if (verb == "RCPT") {
            if (!has_mail_) return reply("503");
            const std::string code = nth(rcpt, named_++);
            if (code.front() == '2') ++accepted_;
            return reply(code);
        }
        if (verb == "DATA") {
            if (accepted_ == 0) return reply("503");
            in_content_ = data == "354";
            return reply(data);
        }
        if (verb == "RSET") {
            has_mail_ = false;
            return reply(rset);
        }
        return reply("221");
    }

    Flavour flavour_;
    bool pipelining_;
    bool closed_ = false;
    bool has_mail_ = false;
    bool in_content_ = false;
    std::size_t named_ = 0;
    std::size_t accepted_ = 0;
};

}  // namespace postrider::smtp
