#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "postrider/base/error.h"
#include "postrider/base/secret.h"
#include "postrider/protocol/sasl/credentials.h"
#include "postrider/protocol/sasl/scram_key.h"

namespace postrider::pop3 {

class Transcript;

// Limits on what a server may send (design section 6, P-003, P-017, P-019); each ends the session.
inline constexpr std::size_t kMaxReplyLine = 4096;  ///< status line, octets without its line end
inline constexpr std::size_t kMaxCapaLines = 256;
inline constexpr std::size_t kMaxCapaOctets = 64UL * 1024;  ///< all lines together
inline constexpr std::size_t kMaxListLine =
    1024 + 64;  ///< a LIST or UIDL line: UID, number, blanks
inline constexpr std::size_t kMaxUid = 1024;
inline constexpr std::uint64_t kMaxMessages = 1'000'000;
/// All UIDs of a listing together: room for the most messages with the 70 octets of RFC 1939.
inline constexpr std::uint64_t kMaxUidOctets = 70 * kMaxMessages;

// Pipelining window: refilled to the full mark when it has fallen to the low mark (P-022).
inline constexpr std::size_t kWindowFull = 100;
inline constexpr std::size_t kWindowLow = 20;

enum class AuthMethod : std::uint8_t {
    automatic,  ///< the strongest that the server lists; never APOP, never CRAM-MD5 (P-012)
    user,       ///< USER and PASS (RFC 1939)
    apop,       ///< APOP (RFC 1939)
    plain,      ///< from here on AUTH (RFC 5034) with the mechanism of that name
    login,
    cram_md5,
    scram_sha_1,
    scram_sha_256,
    scram_sha_1_plus,
    scram_sha_256_plus,
    external,  ///< as whom the certificate says that we gave in the TLS handshake
    xoauth2,
    oauthbearer,
};

struct Settings {
    bool use_stls = false;     ///< STLS is then required: there is no falling back (A-001)
    bool encrypted = false;    ///< the stream is under TLS from the start; excludes use_stls
    bool pipelining = true;    ///< use it where CAPA offers it
    bool lists_first = false;  ///< and not before the listing is there (P-022)
    bool ask_capa = true;      ///< false: do without; STLS asks it all the same (P-007)
    bool utf8 = false;         ///< UTF8 before the login, which must be granted (RFC 6856)
    std::string lang = {};     ///< LANG before the login, if the server lists it; empty: not asked
    bool fetch_with_top = false;  ///< retr() sends TOP (P-023)
    AuthMethod auth = AuthMethod::automatic;
    std::string user;
    Secret password;
    Secret token = {};                    ///< OAuth 2.0 access token, in place of the password
    bool has_client_certificate = false;  ///< EXTERNAL is then chosen where nothing else is set
    std::string host = {};                ///< as configured, for OAUTHBEARER
    std::uint16_t port = 0;
    Transcript* transcript = nullptr;  ///< outlives the dialogue; null: nobody listens
};

/// RFC 2449. The last answer counts: it is asked again after STLS and after the login (P-009).
struct Capabilities {
    bool known = false;  ///< the server understood CAPA at all
    bool stls = false;
    bool user = false;
    bool uidl = false;
    bool top = false;
    bool pipelining = false;
    bool resp_codes = false;
    bool auth_resp_code = false;
    bool utf8 = false;  ///< UTF8, with or without USER
    bool lang = false;
    bool utf8_user = false;                      ///< UTF8 USER: USER and PASS may be non-ASCII
    std::vector<std::string> sasl;               ///< mechanisms, upper case
    std::optional<std::uint32_t> expire_days;    ///< EXPIRE n; NEVER leaves it empty
    std::optional<std::uint32_t> login_delay_s;  ///< LOGIN-DELAY n
    std::string implementation;                  ///< as sent; escape before showing (P-035)
};

/// One message of the maildrop: UIDL and LIST joined, by ascending number (P-020: those in only one
/// of the two are left out).
struct Listed {
    std::uint32_t number = 0;  ///< valid in this session only
    std::uint64_t size = 0;    ///< as LIST says: advisory (P-024)
    std::string uid;           ///< opaque octets; empty: the server gave none
};

/// Which deadline governs the wait for the peer (design section 6).
enum class Phase : std::uint8_t { greeting, tls, login, transaction, quit, over };

// What next() reports.
struct NeedInput {};  ///< nothing more to tell until bytes come
struct StartTls {};   ///< turn the stream into TLS, then tls_started()
struct KeyNeeded {
    sasl::KeyRequest request;
};                   ///< derive it where it may take seconds, then key_derived()
struct LoggedIn {};  ///< capabilities() are those of this user now
struct ListingDone {
    std::vector<Listed> messages;
    bool has_uids = true;  ///< false: the server does not know UIDL; no message has a UID
};
struct MessagePart {
    std::uint32_t number;
    std::string_view bytes;
};  ///< un-stuffed; points into the input, valid until next() is called again
struct MessageDone {
    std::uint32_t number;
};  ///< CRLF.CRLF was seen
struct MessageRefused {
    std::uint32_t number;
    Error error;
};  ///< -ERR to RETR
struct HeadPart {
    std::uint32_t number;
    std::string_view bytes;
};  ///< of a header; as MessagePart
struct HeadDone {
    std::uint32_t number;
};
struct HeadRefused {
    std::uint32_t number;
    Error error;
};  ///< -ERR to TOP
struct Deleted {
    std::uint32_t number;
};
struct DeleteRefused {
    std::uint32_t number;
    Error error;
};
struct NoopDone {};
struct QuitDone {
    Expected<void> outcome;
};  ///< +OK, or -ERR: an unknown part was deleted (P-031)
struct Failed {
    Error error;
};  ///< the session is botched: close, never reuse

using Event = std::variant<NeedInput, StartTls, KeyNeeded, LoggedIn, ListingDone, MessagePart,
                           MessageDone, MessageRefused, HeadPart, HeadDone, HeadRefused, Deleted,
                           DeleteRefused, NoopDone, QuitDone, Failed>;

/// The client side of one POP3 session (RFC 1939, 2449, 2595, 5034), without sockets and clocks:
/// received bytes go into next(), which reports one event at a time; bytes to send come out of
/// take_output(). The way up to LoggedIn goes by itself; then come the commands.
///
///   greeting -> [CAPA -> STLS -> tls_started()] -> CAPA -> [LANG] -> [UTF8] ->
///   AUTH | USER, PASS | APOP -> CAPA -> LoggedIn
///
/// Promises: a message ends only at CRLF.CRLF, or at LF.LF if every line up to LoggedIn ended in a
/// bare LF (P-004), exactly one dot is un-stuffed (P-005), bytes
/// that no command asked for end the session (P-006), no credential and no user name is put out
/// before TLS is up when it is wanted (P-010), QUIT is sent only after every other reply was read
/// (P-022). After Failed and after QuitDone nothing more is put out.
class Dialogue {
  public:
    explicit Dialogue(Settings settings);
    Dialogue(const Dialogue&) = delete;
    Dialogue& operator=(const Dialogue&) = delete;
    ~Dialogue();

    /// Takes bytes off the front of `input` and reports the next event. Call until NeedInput.
    [[nodiscard]] Event next(std::string_view& input);

    /// What is to be sent now; may be empty. It may hold the password: do not log, wipe after use.
    [[nodiscard]] std::string take_output();

    /// The stream may carry a login without TLS: it does not leave this machine, or the user wants
    /// it so. Without this, and without TLS, the session fails where the login would begin (P-010).
    void allow_cleartext();

    /// What logins can be bound to: to be told where the stream is under TLS, before the greeting
    /// is read or before tls_started().
    void bind_channel(sasl::ChannelBinding binding);

    /// The stream is under TLS now; only after StartTls.
    void tls_started();

    /// Only after KeyNeeded. Nothing that is received before counts as an answer.
    void key_derived(const Secret& key);

    // Commands, only after LoggedIn and before quit(). They queue, and go out as the window allows.
    void list();                      ///< UIDL and LIST -> ListingDone
    void retr(std::uint32_t number);  ///< -> MessagePart... MessageDone | MessageRefused
    void head(std::uint32_t number);  ///< TOP 0 -> HeadPart... HeadDone | HeadRefused
    void dele(std::uint32_t number);  ///< -> Deleted | DeleteRefused
    void noop();                      ///< -> NoopDone
    void quit();                      ///< after all others -> QuitDone

    [[nodiscard]] Phase phase() const;
    [[nodiscard]] const Capabilities& capabilities() const;
    /// CAPA was sent, without any need of STLS, and not one octet of an answer has come.
    [[nodiscard]] bool waits_for_capa() const;
    /// More than one command is sent and waits for its reply.
    [[nodiscard]] bool is_pipelining() const;
    /// The command whose reply is due, or of which a part has come ("RETR 3"); empty where no
    /// command was sent or what was sent is secret.
    [[nodiscard]] std::string awaited() const;
    /// Commands that wait for their reply or for room in the window.
    [[nodiscard]] std::size_t outstanding() const;

  private:
    class Machine;
    std::unique_ptr<Machine> machine_;
};

}  // namespace postrider::pop3
