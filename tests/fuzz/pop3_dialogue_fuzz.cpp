// A whole session with a server that says anything. Nothing of the user leaves before TLS where TLS
// is wanted (P-010), and nothing at all after a failure.
#include <cstdint>
#include <string>
#include <variant>

#include "postrider/protocol/pop3/dialogue.h"

#include "fuzz/fuzz_input.h"

namespace postrider::pop3 {
namespace {

class Session {
  public:
    explicit Session(std::uint8_t wishes)
        : may_send_secrets_((wishes & 1U) == 0), dialogue_(settings(wishes)) {
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

  private:
    static Settings settings(std::uint8_t wishes) {
        Settings settings;
        settings.use_stls = (wishes & 1U) != 0;
        settings.encrypted = !settings.use_stls;
        settings.ask_capa = (wishes & 2U) == 0;
        settings.utf8 = (wishes & 4U) != 0;
        settings.lang = (wishes & 8U) != 0 ? "de" : "";
        settings.fetch_with_top = (wishes & 16U) != 0;
        settings.pipelining = (wishes & 32U) == 0;
        settings.user = "alice";
        settings.password = Secret(std::string("c4n4ry"));
        return settings;
    }

    void note(const Event& event) {
        if (std::holds_alternative<StartTls>(event)) {
            may_send_secrets_ = true;
            dialogue_.tls_started();
        } else if (std::holds_alternative<LoggedIn>(event)) {
            dialogue_.list();
            dialogue_.retr(1);
            dialogue_.head(2);
            dialogue_.dele(1);
            dialogue_.noop();
            dialogue_.quit();
        } else if (std::holds_alternative<Failed>(event) ||
                   std::holds_alternative<QuitDone>(event)) {
            is_over_ = true;
        }
    }

    void collect() {
        const std::string output = dialogue_.take_output();
        POSTRIDER_ASSERT(!is_over_ || output.empty());
        POSTRIDER_ASSERT(may_send_secrets_ || output.empty() || output == "CAPA\r\n" ||
                         output == "STLS\r\n");
    }

    bool may_send_secrets_;  ///< TLS is up
    bool is_over_ = false;
    Dialogue dialogue_;
};

}  // namespace
}  // namespace postrider::pop3

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    postrider::fuzz::Input input(data, size);
    const std::uint8_t wishes = input.octet();
    const std::size_t piece_size = input.octet() % 17;
    postrider::pop3::Session session(wishes);
    bool goes_on = true;
    postrider::fuzz::in_pieces(input.rest(), piece_size, [&](std::string_view piece) {
        goes_on = goes_on && session.feed(piece);
    });
    return 0;
}
