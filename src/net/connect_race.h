#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "postrider/event/loop.h"
#include "postrider/net/connector.h"

#include "net/address.h"

namespace postrider::net {

/// RFC 8305 section 4 with a First Address Family Count of one: families take turns, beginning with
/// that of the first address; within a family the order stays.
[[nodiscard]] Addresses interleaved(const Addresses& addresses);

/// Those that may be tried at all, the preferred ones first; may be none.
[[nodiscard]] Addresses chosen(const Addresses& addresses, IpVersion version);

/// Happy eyeballs (RFC 8305 section 5): connects to one address after the other, each 250 ms after
/// the one before it or as soon as that has failed; the first to connect wins and the others are
/// dropped. Fails when all have failed, with one text that names each address and its reason.
/// Destroying it closes what it has opened.
class ConnectRace {
  public:
    static constexpr Duration kAttemptDelay = std::chrono::milliseconds(250);

    /// A host with more addresses than this has them tried up to here.
    static constexpr std::size_t kMaxAddresses = 32;

    struct Winner {
        Socket socket;
        Address address;
    };
    using Done = std::function<void(Expected<Winner>)>;

    /// Whether texts name the addresses: not if the only one is what the caller names anyway.
    enum class Naming : std::uint8_t { addresses, reasons_only };

    /// `addresses` in the order of trying, at least one; from `source` if given. `done` runs from
    /// the loop.
    ConnectRace(event::Loop& loop, const Addresses& addresses, const std::optional<Address>& source,
                Naming naming, Done done);
    ConnectRace(const ConnectRace&) = delete;
    ConnectRace& operator=(const ConnectRace&) = delete;
    ~ConnectRace() = default;

    /// "192.0.2.1: connection refused; 2001:db8::1: no answer" so far, for a deadline's text.
    [[nodiscard]] std::string report() const;

  private:
    struct Attempt {
        explicit Attempt(const Address& to) : address(to) {}

        Address address;
        Socket socket;
        std::unique_ptr<event::FdWatch> watch;  ///< destroyed before the socket
        std::string fault;                      ///< empty while it may still succeed
        bool has_begun = false;
    };

    void begin_next();
    void on_writable(Attempt& attempt);
    void finish(Expected<Winner> outcome);

    event::Loop& loop_;
    std::optional<Address> source_;
    Naming naming_;
    Done done_;
    std::vector<Attempt> attempts_;  ///< never changes size: watches refer to its elements
    std::size_t next_ = 0;
    std::size_t failed_ = 0;
    Errc last_code_ = Errc::network;
    std::unique_ptr<event::Timer> next_due_;
};

}  // namespace postrider::net
