#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "postrider/base/error.h"
#include "postrider/base/log.h"
#include "postrider/base/pattern.h"
#include "postrider/base/secret.h"
#include "postrider/base/secret_comparison.h"
#include "postrider/base/time.h"
#include "postrider/config/problem.h"
#include "postrider/mail/address.h"
#include "postrider/mail/header_repair.h"
#include "postrider/mail/outgoing.h"
#include "postrider/mail/recipient_rule.h"

// What a configuration file says, as plain values. The defaults of every key stand here and nowhere
// else (design section 4); etc/postrider.yaml tells them to people.
namespace postrider::config {

/// There is no opportunistic value: starttls is required where it is chosen.
enum class Tls : std::uint8_t { none, starttls, implicit };

enum class TlsVersion : std::uint8_t { tls1_0, tls1_1, tls1_2, tls1_3 };

/// How strict TLS is with a server.
struct TlsLimits {
    /// SHA-256 of the server's SubjectPublicKeyInfo, in base64; any of them is trusted in place of
    /// authorities, name and dates.
    std::vector<std::string> pins;
    bool pins_and_authorities = false;  ///< tls_trust: both
    TlsVersion min_version = TlsVersion::tls1_2;
    std::string ciphers;                ///< as OpenSSL writes them; empty: its choice
    std::optional<int> security_level;  ///< of OpenSSL; nothing: the system's
    bool operator==(const TlsLimits&) const = default;
};

enum class DestinationType : std::uint8_t { smtp, lmtp, maildir, command };

enum class Auth : std::uint8_t {
    automatic,
    user,
    apop,
    plain,
    login,
    cram_md5,
    scram_sha_1,
    scram_sha_256,
    scram_sha_1_plus,
    scram_sha_256_plus,
    external,
    xoauth2,
    oauthbearer,
};

/// What the -PLUS forms of SCRAM bind the login to (RFC 5929, RFC 9266).
enum class ChannelBinding : std::uint8_t { automatic, exporter, unique, server_end_point };

struct LogConfig {
    LogLevel level = LogLevel::info;
    LogFormat format = LogFormat::text;
};

struct Limits {
    std::uint32_t polls = 200;                    ///< accounts polled at the same time
    std::uint32_t polls_per_host = 10;            ///< of them, with one POP3 host
    std::uint64_t memory = 256ULL * 1024 * 1024;  ///< octets of messages in flight, all accounts
    /// When the daemon is told to end: how long deliveries under way may take to be answered.
    Duration stop_timeout = std::chrono::seconds(60);
    bool operator==(const Limits&) const = default;
};

/// Where a running daemon can be talked to: status, poll, pause, ....
struct Control {
    std::string socket;  ///< absolute; filled in by load(): control.sock in the state directory
    std::string group;   ///< who may talk to it besides its own user and root; empty: nobody
    bool operator==(const Control&) const = default;
};

/// Are accounts told apart in the metrics? Automatic: if there are not too many.
enum class MetricsOf : std::uint8_t { automatic, each, total };

/// Metrics and health over HTTP, on this machine.
struct Metrics {
    std::string host;  ///< a loopback address; empty: off
    std::uint16_t port = 0;
    MetricsOf accounts = MetricsOf::automatic;
    bool operator==(const Metrics&) const = default;
};

/// Who is told of accounts and destinations in trouble, by one of two ways; or nobody.
struct Alerts {
    std::vector<std::string> command;  ///< argv; gets JSON on its standard input
    std::string webhook;               ///< http or https URL; gets it as the body of a POST
    Duration after = std::chrono::minutes(15);  ///< so long trouble must last, and its end
    bool operator==(const Alerts&) const = default;
};

/// As whom the program works, and what it gives up.
struct Privileges {
    std::string user;         ///< to become, when started by root; empty: nobody else
    bool allow_root = false;  ///< root may write into Maildirs and run programs for mail
    bool sandbox = true;      ///< where the kernel has one, and no programs are run
    bool operator==(const Privileges&) const = default;
};

/// Waits for an MTA: RFC 5321 section 4.5.3.2.
struct DestinationTimeouts {
    Duration connect = std::chrono::seconds(30);
    Duration tls = std::chrono::seconds(30);
    Duration greeting = std::chrono::minutes(5);  ///< and the answers to EHLO, LHLO, STARTTLS
    Duration mail = std::chrono::minutes(5);
    Duration rcpt = std::chrono::minutes(5);
    Duration data = std::chrono::minutes(2);   ///< the answer to DATA
    Duration block = std::chrono::minutes(3);  ///< progress while content is sent
    Duration final_dot = std::chrono::minutes(10);
    Duration idle = std::chrono::seconds(30);  ///< an unused connection is closed after it
    bool operator==(const DestinationTimeouts&) const = default;
};

/// Where a password or token comes from. The bytes are in AccountConfig::password, or
/// DestinationConfig::password, once resolved.
/// How long a command that tells a password may take, if nothing else is said.
inline constexpr Duration kSecretCommandLimit = std::chrono::seconds(10);

struct PasswordSource {
    enum class Kind : std::uint8_t { plain, file, variable, credential, command };
    Kind kind = Kind::plain;
    /// file: one absolute path; variable, credential: one name; command: argv. Plain: empty.
    std::vector<std::string> words;
    Duration timeout = kSecretCommandLimit;  ///< command
    /// command: how long the daemon goes on with what it said; nothing: until that is refused.
    std::optional<Duration> lifetime;
    Place place;
    bool operator==(const PasswordSource&) const = default;
};

enum class ProxyType : std::uint8_t { socks5, http };

/// Whom an account's server is reached through.
struct ProxyConfig {
    ProxyType type = ProxyType::socks5;
    std::string host;
    std::uint16_t port = 0;  ///< filled in: 1080 for socks5, 8080 for http
    std::string user;        ///< empty: without a login
    PasswordSource password_source;
    Secret password;  ///< empty until resolve_secrets(), unless it is plain
    bool operator==(const ProxyConfig&) const = default;
};

/// Which addresses of a host are tried, and which first.
enum class IpVersion : std::uint8_t { any, only_4, only_6, prefer_4, prefer_6 };

/// What becomes of content that not every server can take (S-008 to S-010).
enum class LongLines : std::uint8_t { pass, wrap, hold };
enum class NulOctets : std::uint8_t { strip, pass, hold };

/// One of several hosts of a destination.
struct HostConfig {
    std::string host;
    std::uint16_t port = 0;  ///< filled in by load(): that of the destination
    bool operator==(const HostConfig&) const = default;
};

/// What is asked of a server that offers DSN (RFC 3461).
struct DsnConfig {
    std::string notify;  ///< "NEVER", or a list of SUCCESS, FAILURE, DELAY; empty: not told
    std::string ret;     ///< "FULL" or "HDRS"; empty: not told
    bool envid = false;  ///< tell the name of the delivery
    bool operator==(const DsnConfig&) const = default;
};

struct DestinationConfig {
    std::string name;
    DestinationType type = DestinationType::smtp;
    std::string host;        ///< host and port, or hosts, or a socket
    std::uint16_t port = 0;  ///< filled in by load(): smtp 25, smtp with implicit TLS 465, lmtp 24
    std::vector<HostConfig> hosts;  ///< in place of host: the first that takes mail gets it
    std::string socket;             ///< absolute path of a Unix socket
    Tls tls = Tls::none;            ///< filled in by load(): starttls unless loopback or socket
    std::string tls_ca_file;        ///< absolute; empty: the system's trust store
    std::string tls_server_name;    ///< filled in by load(): the host; with `hosts` each its own
    std::string user;               ///< to log in with; empty: no login
    PasswordSource password_source;
    Secret password;   ///< or token; empty until resolve_secrets(), unless it is plain
    std::string auth;  ///< the SASL mechanism, upper case; empty: the best that is offered
    std::uint32_t connections = 8;
    /// Filled in by load(): at the same time for one and the same recipient; 0: any. LMTP 1.
    std::uint32_t connections_per_recipient = 0;
    bool chunking = false;  ///< BDAT where it is offered
    LongLines long_lines = LongLines::pass;
    NulOctets nul = NulOctets::pass;
    bool holds_8bit = false;  ///< `eight_bit: hold`: for a server without 8BITMIME
    DsnConfig dsn;
    /// XCLIENT tells the client of the n-th Received line from the top; 0: no XCLIENT.
    std::uint32_t xclient_hops = 0;
    bool holds_ambiguous = false;  ///< `on_ambiguous: hold`
    std::string hello_name;        ///< for EHLO and LHLO; empty: this machine's name (S-014)
    DestinationTimeouts timeouts;
    Pattern path;               ///< of a Maildir; absolute
    std::vector<Pattern> argv;  ///< of a command
    /// Variables that a command gets: "NAME" as we have it, or "NAME=value".
    std::vector<std::string> environment = {"PATH",  "HOME", "USER",   "LOGNAME",
                                            "SHELL", "LANG", "LC_ALL", "TZ"};
    std::uint32_t processes = 4;
    Duration timeout = std::chrono::minutes(5);     ///< of a command
    mail::LineEnds line_ends = mail::LineEnds::lf;  ///< of a Maildir or a command
    Place place;
    bool operator==(const DestinationConfig&) const = default;
};

/// Waits for a POP3 server (P-029).
struct AccountTimeouts {
    Duration connect = std::chrono::seconds(30);
    Duration greeting = std::chrono::seconds(60);
    Duration tls = std::chrono::seconds(30);
    Duration login = std::chrono::seconds(300);
    Duration reply = std::chrono::seconds(120);  ///< any other answer, and progress within one
    Duration quit = std::chrono::seconds(120);
    Duration session = std::chrono::hours(1);
    bool operator==(const AccountTimeouts&) const = default;
};

/// What becomes of a message that a destination refuses.
enum class Refused : std::uint8_t { hold, discard, bounce };

struct RefusedConfig {
    Refused otherwise = Refused::hold;
    std::map<std::string, Refused, std::less<>> by_code;  ///< "550" or "5.7.1"
    bool operator==(const RefusedConfig&) const = default;
};

/// What MAIL FROM says: the Return-Path, or else the fixed address, or else nothing.
struct EnvelopeSenderConfig {
    bool is_return_path = true;
    std::optional<mail::Address> fixed;
    bool operator==(const EnvelopeSenderConfig&) const = default;
};

/// Of a message larger than max_message_size.
enum class Oversize : std::uint8_t { skip, hold };

enum class Order : std::uint8_t { oldest, newest };

/// What of a mailbox that was never polled before is fetched.
struct Initial {
    enum class Kind : std::uint8_t { all, fresh, last, since };
    Kind kind = Kind::all;
    std::size_t count = 0;  ///< of last
    WallTime since{};       ///< the beginning of a day in UTC
    bool operator==(const Initial&) const = default;
};

/// When a session is settled and another one goes on; what is not set does not count.
struct CommitEvery {
    std::optional<std::uint64_t> messages;
    std::optional<std::uint64_t> size;
    std::optional<Duration> time;
    bool operator==(const CommitEvery&) const = default;
};

/// Which messages are fetched, in what order, and how long they stay.
struct Retention {
    std::optional<std::uint64_t> max_message_size;  ///< octets; nothing: any
    Oversize oversize = Oversize::skip;
    std::optional<std::uint64_t> max_messages_per_poll;  ///< nothing: all
    CommitEvery commit_every;
    Order order = Order::oldest;
    Initial initial;
    Duration keep_on_server_at_least = Duration::zero();
    bool operator==(const Retention&) const = default;
};

/// Does the server forget at QUIT what was fetched? `automatic`: if it says so (EXPIRE 0).
enum class Consumes : std::uint8_t { automatic, yes, no };

enum class FetchWith : std::uint8_t { retr, top };

/// The hours of the day in which an account is polled; local time, over midnight if `from` is
/// later.
struct ActiveHours {
    Duration from{};  ///< since midnight
    Duration to{};
    bool operator==(const ActiveHours&) const = default;
};

/// Fetches a token anew, which may block; empty: there is none. It makes no difference between
/// accounts: its source does.
struct TokenFetch {
    std::function<Expected<Secret>()> run;
    bool operator==(const TokenFetch& /*other*/) const { return true; }
};

struct AccountConfig {
    std::string name;      ///< stable: state is kept under it
    std::string provider;  ///< of etc/providers.yaml, which fills in what is not said; may be empty
    std::string login_advice;  ///< of the provider, for a refused login; may be empty
    std::string host;
    std::uint16_t port = 0;  ///< filled in by load(): 995 for implicit TLS, else 110
    std::optional<ProxyConfig> proxy;
    std::string source_address;  ///< an IP literal; empty: what the system takes
    IpVersion ip_version = IpVersion::any;
    Tls tls = Tls::implicit;
    std::string tls_ca_file;      ///< absolute; empty: the system's trust store
    std::string tls_server_name;  ///< filled in by load(): the host
    TlsLimits tls_limits;
    bool allow_cleartext = false;  ///< tls: none beyond this machine
    /// A program and its arguments that is the connection to the host; empty: there is none.
    std::vector<std::string> transport_command;
    std::string user;
    PasswordSource password_source;
    Secret password;  ///< empty until resolve_secrets(), unless it is plain
    std::optional<PasswordSource> token_source;
    TokenFetch fetch_token;  ///< made by resolve_secrets() if there is a source
    Auth auth = Auth::automatic;
    ChannelBinding channel_binding = ChannelBinding::automatic;
    std::string tls_client_certificate;     ///< absolute; empty: none is shown
    std::string tls_client_key;             ///< absolute; filled in by load(): the same file
    std::vector<mail::Address> recipients;  ///< at least one, unless recipient_rule finds them
    std::optional<mail::RecipientRule> recipient_rule;
    EnvelopeSenderConfig envelope_sender;
    mail::DeliveredTo delivered_to = mail::DeliveredTo::rename;
    bool adds_received = true;            ///< `add_received`: our own Received line on top
    std::vector<std::string> deliver_to;  ///< names of destinations, at least one: to each
    RefusedConfig refused;
    std::string bounce_via;  ///< filled in by load(): of type smtp; empty if nothing is bounced
    std::optional<Duration> delete_after;           ///< since delivery; nothing: never
    Duration poll_every = std::chrono::minutes(5);  ///< the shortest, if poll_every_most is longer
    Duration poll_every_most{};
    Duration poll_at_least{};  ///< of the provider: no sooner, whatever poll_every says
    std::optional<ActiveHours> active;
    bool pipelining = true;  ///< where the server offers it
    Retention retention;
    Consumes consumes = Consumes::automatic;
    FetchWith fetch_with = FetchWith::retr;
    bool utf8 = false;  ///< RFC 6856
    std::string lang;   ///< RFC 6856; empty: not asked
    AccountTimeouts timeouts;
    std::uint64_t min_rate = 100;  ///< octets a second below which a transfer is given up; 0: off
    Duration min_rate_over = std::chrono::seconds(60);
    Place place;
    bool operator==(const AccountConfig&) const = default;
};

struct Config {
    std::string state_dir;  ///< absolute
    LogConfig log;
    Limits limits;
    Control control;
    Metrics metrics;
    Alerts alerts;
    Privileges privileges;
    std::map<std::string, DestinationConfig, std::less<>> destinations;
    std::vector<AccountConfig> accounts;  ///< at least one, in the order of the files

    /// The account of that name, or nothing.
    [[nodiscard]] const AccountConfig* find_account(std::string_view name) const;
};

}  // namespace postrider::config
