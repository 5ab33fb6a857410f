// What an SMTP or LMTP server says, in a whole session. Nobody counts as served by a server that
// was not given the whole content; nothing of the login leaves before TLS where TLS is wanted;
// nothing at all after a failure; and replies are the same however they are cut (S-005, S-006).
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "postrider/protocol/smtp/dialogue.h"

#include "fuzz/fuzz_input.h"
#include "protocol/smtp/reply_reader.h"

namespace postrider::smtp {
namespace {

class Session {
  public:
    explicit Session(std::uint8_t wishes)
        : may_send_secrets_((wishes & 1U) == 0), dialogue_(settings(wishes)) {
        for (const char* const recipient : {"a@b.example", "c@d.example", "\xc3\xa9@f.example"}) {
            transaction_.envelope.recipients.push_back(*mail::Address::parse(recipient));
        }
        transaction_.has_8bit = true;
        transaction_.size = 100;
        collect();
    }

    /// False when the session is over.
    [[nodiscard]] bool feed(std::string_view piece) {
        while (!is_over_) {
            const Event event = dialogue_.next(piece);
            if (std::holds_alternative<NeedInput>(event)) {
                break;
            }
            note(event);
        }
        collect();
        return !is_over_;
    }

    void end() {
        if (!is_over_) {
            check(dialogue_.abandoned());
        }
    }

  private:
    static Settings settings(std::uint8_t wishes) {
        Settings settings;
        settings.flavour = (wishes & 2U) != 0 ? Flavour::lmtp : Flavour::smtp;
        settings.hello_name = "here.example";
        settings.use_starttls = (wishes & 1U) != 0;
        settings.encrypted = !settings.use_starttls;
        if ((wishes & 4U) != 0) {
            settings.login = Login{"alice", Secret(std::string("c4n4ry")), ""};
        }
        settings.use_chunking = (wishes & 8U) != 0;
        settings.use_xclient = (wishes & 16U) != 0;
        settings.needs_8bitmime = (wishes & 32U) != 0;
        if ((wishes & 64U) != 0) {
            settings.dsn = {"FAILURE,DELAY", "HDRS"};
        }
        return settings;
    }

    void note(const Event& event) {
        if (std::holds_alternative<StartTls>(event)) {
            may_send_secrets_ = true;
            dialogue_.tls_started();
        } else if (std::holds_alternative<Ready>(event)) {
            next_transaction();
        } else if (std::holds_alternative<SendContent>(event)) {
            dialogue_.send_content("Subject: x\r\n\r\n.dot\r\n\xff\r\n");
            dialogue_.end_content();
            is_content_sent_ = true;
        } else if (const auto* const done = std::get_if<TransactionDone>(&event)) {
            POSTRIDER_ASSERT(done->results.size() == transaction_.envelope.recipients.size());
            check(done->results);
            is_open_ = false;
            is_over_ = !done->usable;
        } else if (const auto* const failed = std::get_if<Failed>(&event)) {
            // A server that knows it without having been told gives nothing away.
            POSTRIDER_ASSERT(!was_login_begun_ ||
                             failed->error.text.find("c4n4ry") == std::string::npos);
            check(failed->results);
            is_over_ = true;
        }
    }

    /// What the server cannot take is refused without asking it: there is no end to such ones.
    void next_transaction() {
        constexpr int kTransactions = 4;
        if (++transactions_ > kTransactions) {
            dialogue_.quit();
            return;
        }
        is_content_sent_ = false;
        is_open_ = true;
        dialogue_.begin(transaction_);
    }

    void check(const std::vector<RecipientResult>& results) const {
        POSTRIDER_ASSERT(results.empty() ||
                         results.size() == transaction_.envelope.recipients.size());
        POSTRIDER_ASSERT(results.empty() || is_open_);
        for (const RecipientResult& result : results) {
            const bool is_delivered = result.reply && result.reply->is_positive();
            POSTRIDER_ASSERT(!is_delivered || (is_content_sent_ && result.stage == Stage::content));
            POSTRIDER_ASSERT(!result.content_sent || is_content_sent_);
        }
    }

    void collect() {
        const std::string output = dialogue_.take_output();
        POSTRIDER_ASSERT(!is_over_ || output.empty());
        was_login_begun_ = was_login_begun_ || output.find("AUTH ") != std::string::npos;
        POSTRIDER_ASSERT(may_send_secrets_ || output.empty() || output == "STARTTLS\r\n" ||
                         output.substr(4) == " here.example\r\n");
    }

    bool may_send_secrets_;  ///< TLS is up
    bool was_login_begun_ = false;
    bool is_open_ = false;  ///< a transaction
    bool is_content_sent_ = false;
    bool is_over_ = false;
    int transactions_ = 0;
    Transaction transaction_;
    Dialogue dialogue_;
};

/// Codes and texts of all replies up to the first that is none.
std::vector<std::string> replies(std::string_view bytes, std::size_t piece_size) {
    ReplyReader reader;
    std::vector<std::string> read;
    bool goes_on = true;
    fuzz::in_pieces(bytes, piece_size, [&](std::string_view piece) {
        while (goes_on && !piece.empty()) {
            const auto reply = reader.read(piece);
            goes_on = reply.has_value();
            if (reply && *reply) {
                read.push_back(std::to_string((*reply)->code) + (*reply)->enhanced + " " +
                               (*reply)->text);
                POSTRIDER_ASSERT((*reply)->text.size() <= kMaxReplyText);
            }
        }
    });
    return read;
}

}  // namespace
}  // namespace postrider::smtp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace postrider;
    fuzz::Input input(data, size);
    const std::uint8_t wishes = input.octet();
    const std::size_t piece_size = input.octet() % 17;
    POSTRIDER_ASSERT(smtp::replies(input.rest(), piece_size) == smtp::replies(input.rest(), 1));
    smtp::Session session(wishes);
    bool goes_on = true;
    fuzz::in_pieces(input.rest(), piece_size,
                    [&](std::string_view piece) { goes_on = goes_on && session.feed(piece); });
    session.end();
    return 0;
}
