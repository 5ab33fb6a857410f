#include "sim/mta.h"

#include <array>
#include <chrono>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "postrider/base/text.h"

#include "sim/random.h"

namespace postrider::sim {

namespace {

using namespace std::chrono_literals;

constexpr std::array<const char*, 4> kLater = {"451 4.3.0 try again", "450 4.2.1 mailbox busy",
                                               "452 4.3.1 no room", "552 5.2.2 mailbox full"};
constexpr std::array<const char*, 4> kRefused = {"550 5.1.1 nobody of that name",
                                                 "554 5.6.0 not this message",
                                                 "550 5.7.1 looks like spam", "550 no"};
constexpr const char* kSpam = kRefused[2];

}  // namespace

/// One connection to the destination.
class Mta::Conversation final : public Peer {
  public:
    Conversation(Mta& mta, Wire& wire)
        : mta_(mta),
          chaos_(mta.world_.chaos),
          wire_(wire),
          later_(mta.world_.loop.make_timer([this] {
              is_slow_ = false;
              wire_.send(std::exchange(delayed_, {}));
              take_lines();
          })) {
        answer("220 mx.example ready");
    }

    void on_octets(std::string_view octets) override {
        inbox_ += octets;
        take_lines();
    }

  private:
    void take_lines() {
        while (!is_over_ && !is_slow_) {
            const std::size_t end = inbox_.find("\r\n");
            if (end == std::string::npos) {
                return;
            }
            const std::string line = inbox_.substr(0, end);
            inbox_.erase(0, end + 2);
            if (is_in_content_) {
                take_content(line);
            } else {
                take_command(line);
            }
        }
    }

    void take_content(const std::string& line) {
        if (line == ".") {
            is_in_content_ = false;
            end_of_content();
            return;
        }
        content_.append(line, line.starts_with('.') ? 1 : 0).append("\r\n");
    }

    void take_command(const std::string& line) {
        mta_.world_.trace("{}: {}", mta_.name_, line);
        const std::string verb = line.substr(0, 4);
        if (verb == "EHLO" || verb == "LHLO") {
            answer(mta_.offers_);
        } else if (verb == "MAIL") {
            taken_.clear();
            content_.clear();
            sender_ = between_brackets(line);
            has_mail_ = answer("250 2.1.0 ok");
        } else if (verb == "RCPT") {
            take_recipient(line);
        } else if (verb == "DATA") {
            if (taken_.empty()) {
                reply("503 5.5.1 no recipients");
            } else {
                is_in_content_ = answer("354 go on");
            }
        } else if (verb == "RSET") {
            has_mail_ = false;
            reply("250 2.0.0 ok");
        } else if (verb == "QUIT") {
            reply("221 2.0.0 bye");
            hang_up();
        } else {
            reply("250 2.0.0 ok");
        }
    }

    static std::string between_brackets(const std::string& line) {
        const std::size_t begin = line.find('<') + 1;
        return line.substr(begin, line.find('>') - begin);
    }

    void take_recipient(const std::string& line) {
        if (!has_mail_) {
            reply("503 5.5.1 MAIL first");
            return;
        }
        if (chaos_.strikes(Fault::mta_splits)) {
            answer_no(is_refusal(Fault::mta_splits) ? kRefused[0] : kLater[1]);
            return;
        }
        const std::string recipient = between_brackets(line);
        if (answer("250 2.1.5 ok")) {
            taken_.push_back(recipient);
        }
    }

    void end_of_content() {
        has_mail_ = false;
        if (chaos_.strikes(Fault::mta_drops_reply)) {
            accept(taken_, 1);
            if (chaos_.choose(Fault::mta_drops_reply, 2) == 0) {
                hang_up();
            } else {
                wire_.stall();
            }
            return;
        }
        if (mta_.flavour_ == smtp::Flavour::smtp) {
            // Responsible before it says so; the words may be lost on the way.
            if (is_willing("end of content")) {
                const std::string word = "250 2.0.0 queued\r\n";
                accept(taken_, word.size());
                send(word);
            }
            return;
        }
        for (const std::string& recipient : std::exchange(taken_, {})) {
            if (is_over_) {
                return;
            }
            if (chaos_.strikes(Fault::mta_splits)) {
                answer_no(is_refusal(Fault::mta_splits) ? kSpam : kLater[3]);
            } else if (is_willing("end of content")) {
                const std::string word = "250 2.0.0 delivered\r\n";
                accept({recipient}, word.size());
                send(word);
            }
        }
    }

    void accept(const std::vector<std::string>& recipients, std::size_t octets_of_reply) {
        mta_.world_.oracle.on_accepted(mta_.name_, content_, recipients, wire_.arrivals(),
                                       wire_.sent() + delayed_.size() + octets_of_reply);
    }

    void answer_no(std::string_view line) {
        if (line == kSpam) {
            mta_.world_.oracle.on_called_spam(mta_.name_, sender_);
        }
        reply(line);
    }

    [[nodiscard]] bool is_refusal(Fault fault) { return chaos_.choose(fault, 2) == 0; }

    /// Says `good` unless it is not willing; true if it said so.
    bool answer(std::string_view good) {
        if (!is_willing(good.substr(0, 3))) {
            return false;
        }
        reply(good);
        return true;
    }

    /// False: it has said otherwise, or hung up.
    [[nodiscard]] bool is_willing(std::string_view stage) {
        if (chaos_.strikes(Fault::mta_hangs_up)) {
            mta_.world_.trace("{}: hangs up instead of {}", mta_.name_, stage);
            hang_up();
            return false;
        }
        if (chaos_.strikes(Fault::mta_later)) {
            if (chaos_.choose(Fault::mta_later, 4) == 0) {
                reply("421 4.3.2 closing");
                hang_up();
            } else {
                reply(kLater.at(chaos_.choose(Fault::mta_later, kLater.size())));
            }
            return false;
        }
        if (chaos_.strikes(Fault::mta_refuses)) {
            answer_no(kRefused.at(chaos_.choose(Fault::mta_refuses, kRefused.size())));
            return false;
        }
        if (chaos_.strikes(Fault::mta_slow) && !is_slow_) {
            is_slow_ = true;
            later_->arm(1s * static_cast<std::int64_t>(1 + chaos_.choose(Fault::mta_slow, 900)));
        }
        return true;
    }

    void reply(std::string_view line) {
        mta_.world_.trace("{}: - {}", mta_.name_, escaped(line));
        send(std::string(line) + "\r\n");
    }

    void send(std::string_view octets) {
        if (is_slow_) {
            delayed_ += octets;
        } else {
            wire_.send(octets);
        }
    }

    void hang_up() {
        is_over_ = true;
        wire_.close();
    }

    Mta& mta_;
    Chaos& chaos_;
    Wire& wire_;
    std::string inbox_;
    std::string delayed_;  ///< replies of a slow server
    bool is_over_ = false;
    bool is_slow_ = false;
    bool has_mail_ = false;
    bool is_in_content_ = false;
    std::vector<std::string> taken_;  ///< recipients of this transaction
    std::string content_;
    std::string sender_;
    std::unique_ptr<event::Timer> later_;
};

Mta::Mta(World world, std::string name, smtp::Flavour flavour, std::uint64_t seed)
    : world_(world), name_(std::move(name)), flavour_(flavour) {
    Random random(scrambled({seed, 0x37a}));
    offers_ = "250-mx.example";
    for (const char* const extension :
         {"PIPELINING", "8BITMIME", "SIZE 10000000", "ENHANCEDSTATUSCODES"}) {
        // LMTP has to have the first (RFC 2033 section 5).
        if (random.coin() || flavour == smtp::Flavour::lmtp) {
            offers_ += fmt::format("\r\n250-{}", extension);
        }
    }
    offers_ += "\r\n250 HELP";
}

std::unique_ptr<Peer> Mta::serve(Wire& wire) {
    return std::make_unique<Conversation>(*this, wire);
}

}  // namespace postrider::sim
