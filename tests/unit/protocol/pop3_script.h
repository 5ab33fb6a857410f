#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "postrider/base/text.h"
#include "postrider/protocol/pop3/dialogue.h"

namespace postrider::pop3 {

/// Plays the server against a Dialogue as an adapter would: each piece of what the server says goes
/// in until NeedInput, then what is to be sent is collected. Events are kept as text.
class Script {
  public:
    /// Where what the server says is cut, counted from the beginning of the session.
    struct Cuts {
        std::size_t at = 0;  ///< one cut here; 0: none
        bool bytewise = false;
    };

    explicit Script(Settings settings) : Script(std::move(settings), Cuts()) {}

    Script(Settings settings, Cuts cuts)
        : cuts_(cuts), dialogue_(std::make_unique<Dialogue>(std::move(settings))) {
        collect();
    }

    void server(std::string_view bytes) {
        while (!bytes.empty()) {
            std::size_t size = bytes.size();
            if (cuts_.bytewise) {
                size = 1;
            } else if (cuts_.at > fed_ && cuts_.at < fed_ + size) {
                size = cuts_.at - fed_;
            }
            fed_ += size;
            feed(bytes.substr(0, size));
            bytes.remove_prefix(size);
        }
    }

    [[nodiscard]] Dialogue& dialogue() { return *dialogue_; }

    /// What went out since the last call.
    std::string sent() {
        collect();
        return std::exchange(sent_, {});
    }

    /// The events since the last call, each in brackets; parts of one message are joined.
    std::string events() { return std::exchange(events_, {}); }

    [[nodiscard]] const Error& error() const { return error_; }
    /// Of the last KeyNeeded.
    [[nodiscard]] const sasl::KeyRequest& key_request() const { return key_request_; }
    [[nodiscard]] std::size_t fed() const { return fed_; }

  private:
    void feed(std::string_view piece) {
        for (;;) {
            const Event event = dialogue_->next(piece);
            if (std::holds_alternative<NeedInput>(event)) {
                break;
            }
            std::visit([this](const auto& e) { note(e); }, event);
        }
        collect();
    }

    void collect() { sent_ += dialogue_->take_output(); }

    void add(std::string_view text) { events_ += fmt::format("[{}]", text); }
    void fault(std::string_view what, const Error& error) {
        error_ = error;
        add(fmt::format("{} {}", what, to_text(error.code)));
    }

    void note(const NeedInput&) {}
    void note(const StartTls&) { add("tls"); }
    void note(const KeyNeeded& e) {
        key_request_ = e.request;
        add("key");
    }
    void note(const LoggedIn&) { add("in"); }
    void note(const ListingDone& e) {
        std::string text = e.has_uids ? "list" : "list without uids";
        for (const auto& m : e.messages) {
            text += fmt::format(" {}:{}:{}", m.number, escaped(m.uid), m.size);
        }
        add(text);
    }
    void note(const MessagePart& e) { message_ += e.bytes; }
    void note(const MessageDone& e) {
        add(fmt::format("message {} {}", e.number, escaped(std::exchange(message_, {}), 1000)));
    }
    void note(const MessageRefused& e) { fault(fmt::format("no message {}", e.number), e.error); }
    void note(const HeadPart& e) { message_ += e.bytes; }
    void note(const HeadDone& e) {
        add(fmt::format("head {} {}", e.number, escaped(std::exchange(message_, {}), 1000)));
    }
    void note(const HeadRefused& e) { fault(fmt::format("no head {}", e.number), e.error); }
    void note(const Deleted& e) { add(fmt::format("deleted {}", e.number)); }
    void note(const DeleteRefused& e) { fault(fmt::format("not deleted {}", e.number), e.error); }
    void note(const NoopDone&) { add("noop"); }
    void note(const QuitDone& e) {
        if (e.outcome) {
            add("quit");
        } else {
            fault("quit", e.outcome.error());
        }
    }
    void note(const Failed& e) { fault("failed", e.error); }

    Cuts cuts_;
    std::size_t fed_ = 0;
    std::string sent_;
    std::string events_;
    std::string message_;
    Error error_;
    sasl::KeyRequest key_request_;
    std::unique_ptr<Dialogue> dialogue_;
};

inline constexpr std::string_view kPlainOut = "AUTH PLAIN AGFsaWNlAGM0bjRyeQ==\r\n";

/// For alice, on an encrypted stream.
inline Settings settings() {
    Settings settings;
    settings.encrypted = true;
    settings.user = "alice";
    settings.password = Secret(std::string("c4n4ry"));
    return settings;
}

inline Settings stls_settings() {
    Settings with = settings();
    with.encrypted = false;
    with.use_stls = true;
    return with;
}

/// Up to LoggedIn; `capa` are the lines of CAPA after the login.
inline void log_in(Script& script, std::string_view capa) {
    script.server("+OK ready\r\n");
    EXPECT_EQ(script.sent(), "CAPA\r\n");
    script.server("+OK\r\nSASL PLAIN\r\n.\r\n");
    EXPECT_EQ(script.sent(), kPlainOut);
    script.server("+OK\r\n");
    EXPECT_EQ(script.sent(), "CAPA\r\n");
    script.server("+OK\r\n" + std::string(capa) + ".\r\n");
    EXPECT_EQ(script.events(), "[in]");
}

inline Script logged_in(std::string_view capa = "PIPELINING\r\n") {
    Script script(settings());
    log_in(script, capa);
    return script;
}

/// Plays a session whole, byte by byte and cut in two at every place: the events are the same.
inline void expect_same_at_every_split(const Settings& with,
                                       const std::function<void(Script&)>& play) {
    Script whole(with);
    play(whole);
    const std::string expected = whole.events();
    EXPECT_FALSE(expected.empty());
    Script bytewise(with, {.at = 0, .bytewise = true});
    play(bytewise);
    EXPECT_EQ(bytewise.events(), expected);
    for (std::size_t at = 1; at < whole.fed(); ++at) {
        Script cut(with, {.at = at, .bytewise = false});
        play(cut);
        ASSERT_EQ(cut.events(), expected) << "cut at " << at;
    }
}

}  // namespace postrider::pop3
