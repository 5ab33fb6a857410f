#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "postrider/base/error.h"
#include "postrider/base/secret.h"
#include "postrider/mail/envelope.h"
#include "postrider/protocol/sasl/scram_key.h"

namespace postrider::smtp {

// Limits on what a server may send (S-005); each ends the session.
inline constexpr std::size_t kMaxReplyLine = 4096;  ///< octets without the line end
inline constexpr std::size_t kMaxReplyLines = 100;
inline constexpr std::size_t kMaxReplyText = 64UL * 1024;

/// RCPTs in one pipelined group (RFC 2920); a group stays under 16 KiB with it, so that neither
/// side's TCP buffer can fill while both sides write.
inline constexpr std::size_t kMaxGroup = 50;

enum class Flavour : std::uint8_t { smtp, lmtp };

/// How to log in (RFC 4954).
struct Login {
    std::string user;
    Secret password;        ///< or the token, for XOAUTH2 and OAUTHBEARER
    std::string mechanism;  ///< upper case; empty: the best of those the server offers
};

/// What is asked of a server that offers DSN (RFC 3461); one that does not is asked nothing.
struct DsnWishes {
    std::string notify;  ///< "NEVER", "FAILURE,DELAY", ...; empty: the server's way
    std::string ret;     ///< "FULL" or "HDRS"; empty: the server's way
};

/// The client that the original mail came from, for XCLIENT (Postfix, Dovecot), so that a filter
/// behind the server judges the true sender. What is empty is not known.
struct OriginalClient {
    std::string address;  ///< "192.0.2.1", "2001:db8::1"
    std::string name;     ///< what DNS says of the address
    std::string helo;
    std::string protocol;  ///< "SMTP" or "ESMTP"
    bool operator==(const OriginalClient&) const = default;
};

struct Settings {
    Flavour flavour = Flavour::smtp;
    std::string hello_name;     ///< our host name or address literal, for EHLO and LHLO (S-014)
    bool use_starttls = false;  ///< STARTTLS is then required (RFC 3207)
    bool encrypted = false;     ///< the stream is under TLS from the start
    std::optional<Login> login = std::nullopt;  ///< required then
    bool use_chunking = false;    ///< BDAT (RFC 3030) where CHUNKING and PIPELINING are offered
    bool use_xclient = false;     ///< XCLIENT is then required
    bool needs_8bitmime = false;  ///< 8-bit content is refused here for a server without 8BITMIME
    DsnWishes dsn = {};
};

/// RFC 5321 section 4.2; all lines of a multi-line reply joined with '\n'.
struct Reply {
    int code = 0;
    std::string enhanced;  ///< "5.7.1" (RFC 2034) or empty
    std::string text;      ///< behind code and enhanced code, as sent; escape before showing

    [[nodiscard]] bool is_positive() const { return code >= 200 && code < 300; }
    [[nodiscard]] bool is_transient() const { return code >= 400 && code < 500; }
    [[nodiscard]] bool is_permanent() const { return code >= 500 && code < 600; }
};

struct Capabilities {
    bool pipelining = false;
    bool eight_bit_mime = false;
    bool smtputf8 = false;
    bool enhanced_codes = false;
    bool starttls = false;
    bool chunking = false;
    bool dsn = false;
    bool size = false;
    std::uint64_t max_size = 0;        ///< RFC 1870; 0: none told
    std::vector<std::string> auth;     ///< mechanisms, upper case
    std::vector<std::string> xclient;  ///< attributes of XCLIENT, upper case
};

/// Where in a transaction an answer was given.
enum class Stage : std::uint8_t { mail, rcpt, data, content };

/// One recipient's outcome. A positive reply is one to the content, and means delivered. No reply:
/// the connection ended first. `content_sent` with no reply is the ambiguity nobody can resolve
/// (W5): the final dot was out.
struct RecipientResult {
    Stage stage = Stage::mail;  ///< of the reply, or of the one that is missing
    std::optional<Reply> reply;
    bool content_sent = false;
};

struct Transaction {
    mail::Envelope envelope;  ///< at least one recipient
    std::uint64_t size = 0;   ///< exact octets of the canonical content (RFC 1870)
    bool has_8bit = false;
    std::string envid = {};      ///< to know it by in a delivery status (RFC 3461); may be empty
    OriginalClient client = {};  ///< told with use_xclient
};

/// Which deadline governs the wait for the peer (RFC 5321 section 4.5.3.2).
enum class Phase : std::uint8_t {
    greeting,
    tls,
    hello,  ///< and what comes with it: AUTH, XCLIENT
    idle,
    mail,
    rcpt,
    data,
    content,
    final_dot,
    quit,
    over
};

// What next() reports.
struct NeedInput {};
struct StartTls {};  ///< turn the stream into TLS, then tls_started()
struct Ready {};     ///< greeted; also after each transaction: the next may begin
/// Derive the key where that may take seconds, then key_derived().
struct KeyNeeded {
    sasl::KeyRequest request;
};
struct SendContent {};  ///< 354: put the content through send_content(), then end_content()
/// Every recipient has its result, in envelope order. `usable`: the connection can take another
/// transaction (Ready follows); otherwise close it. What the server has said it cannot take is
/// refused here, without asking it: 552 5.3.4 (its SIZE), 554 5.6.3 (needs_8bitmime), 553 5.6.7 (no
/// SMTPUTF8, and an address that has no form in ASCII; such a sender becomes the null sender,
/// S-013).
struct TransactionDone {
    std::vector<RecipientResult> results;
    bool usable = true;
};
/// The session is botched or the server says it is over (421): close. `results` as far as known if
/// a transaction was open (one per recipient), else empty. `reply` is what the server said, if it
/// did.
struct Failed {
    Error error;
    std::optional<Reply> reply;
    std::vector<RecipientResult> results;
};

using Event =
    std::variant<NeedInput, StartTls, KeyNeeded, Ready, SendContent, TransactionDone, Failed>;

/// The client side of an SMTP (RFC 5321) or LMTP (RFC 2033) session, without sockets and clocks:
/// received bytes go into next(), which reports one event at a time; bytes to send come out of
/// take_output().
///
///   greeting -> EHLO|LHLO -> [STARTTLS -> tls_started() -> EHLO|LHLO] -> [AUTH] -> Ready
///   begin() -> [XCLIENT -> EHLO|LHLO -> [AUTH]] -> MAIL, RCPT..., DATA (one group with PIPELINING)
///   -> SendContent -> TransactionDone -> Ready
///
/// Promises: replies are matched by counting only; a 421 at any time and an answer that comes while
/// the content is still being sent are taken (S-031); LMTP gives one result per accepted recipient
/// (RFC 2033 section 4.2); 354 after every RCPT failed is answered with a lone dot and never counts
/// as delivered (S-006; in LMTP, where nobody knows how many replies a lone dot has, the session
/// ends instead); bytes that nothing asked for end the session (S-005); content is dot-stuffed here
/// and nowhere else (S-002).
///
/// What take_output() has handed out counts as sent: an answer that begins before is an answer to
/// nothing. So hand out, then read on.
///
/// With BDAT the content is cut as send_content() cuts it, is not stuffed, and is complete only
/// with the empty last chunk that end_content() sends: what holds for the final dot holds for that.
class Dialogue {
  public:
    explicit Dialogue(Settings settings);
    Dialogue(const Dialogue&) = delete;
    Dialogue& operator=(const Dialogue&) = delete;
    ~Dialogue();

    /// Takes bytes off the front of `input` and reports the next event. Call until NeedInput; bytes
    /// that came behind an event stay in `input`, except after the end, where all are dropped.
    [[nodiscard]] Event next(std::string_view& input);

    /// What is to be sent now; may be empty. After Failed and after an unusable TransactionDone
    /// nothing more is put out. May hold a password: wipe() it.
    [[nodiscard]] std::string take_output();

    /// The stream is under TLS now; only after StartTls. What the plain session told is forgotten.
    void tls_started();

    /// The answer to KeyNeeded. Bytes that come before it end the session.
    void key_derived(const Secret& key);

    /// Starts a transaction; only when Ready. Call next() after it, even without input.
    void begin(Transaction transaction);

    /// Content in canonical form, in pieces of any split; only after SendContent. Appends the
    /// dot-stuffed bytes, or a chunk, to the output.
    void send_content(std::string_view piece);
    /// The content is complete: the final dot goes out.
    void end_content();

    /// Says QUIT; only when Ready. Its reply need not be waited for (S-032).
    void quit();

    /// The stream has ended: what is known of an open transaction, as TransactionDone would tell
    /// it; empty without one. The session is over then.
    [[nodiscard]] std::vector<RecipientResult> abandoned();

    [[nodiscard]] Phase phase() const;
    [[nodiscard]] const Capabilities& capabilities() const;

  private:
    class Machine;
    std::unique_ptr<Machine> machine_;
};

}  // namespace postrider::smtp
