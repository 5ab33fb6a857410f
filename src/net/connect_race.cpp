#include "net/connect_race.h"

#include <algorithm>

#include "postrider/base/assert.h"
#include "postrider/base/text.h"

namespace postrider::net {

Addresses interleaved(const Addresses& addresses) {
    Addresses result;
    if (addresses.empty()) {
        return result;
    }
    const int first_family = addresses.front().family();
    Addresses first;
    Addresses second;
    for (const Address& address : addresses) {
        (address.family() == first_family ? first : second).push_back(address);
    }
    for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
        if (i < first.size()) {
            result.push_back(first[i]);
        }
        if (i < second.size()) {
            result.push_back(second[i]);
        }
    }
    return result;
}

Addresses chosen(const Addresses& addresses, IpVersion version) {
    Addresses result = addresses;
    const auto is_of = [](int family) {
        return [family](const Address& address) { return address.family() == family; };
    };
    switch (version) {
        case IpVersion::any:
            break;
        case IpVersion::only_4:
            std::erase_if(result, std::not_fn(is_of(AF_INET)));
            break;
        case IpVersion::only_6:
            std::erase_if(result, std::not_fn(is_of(AF_INET6)));
            break;
        case IpVersion::prefer_4:
            std::stable_partition(result.begin(), result.end(), is_of(AF_INET));
            break;
        case IpVersion::prefer_6:
            std::stable_partition(result.begin(), result.end(), is_of(AF_INET6));
            break;
    }
    return result;
}

ConnectRace::ConnectRace(event::Loop& loop, const Addresses& addresses,
                         const std::optional<Address>& source, Naming naming, Done done)
    : loop_(loop),
      source_(source),
      naming_(naming),
      done_(std::move(done)),
      next_due_(loop.make_timer([this] { begin_next(); })) {
    POSTRIDER_ASSERT(!addresses.empty());
    const std::size_t count = std::min(addresses.size(), kMaxAddresses);
    attempts_.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        attempts_.emplace_back(addresses[i]);
    }
    next_due_->arm(Duration::zero());
}

void ConnectRace::begin_next() {
    while (next_ < attempts_.size()) {
        Attempt& attempt = attempts_[next_++];
        attempt.has_begun = true;
        Expected<Socket> socket = begin_connect(attempt.address, source_);
        if (socket) {
            attempt.socket = std::move(*socket);
            attempt.watch =
                loop_.watch_fd(attempt.socket.fd(), event::Interest::write,
                               [this, &attempt](event::Readiness) { on_writable(attempt); });
            if (next_ < attempts_.size()) {
                next_due_->arm(kAttemptDelay);
            }
            return;
        }
        attempt.fault = socket.error().text;
        last_code_ = socket.error().code;
        ++failed_;
    }
    if (failed_ == attempts_.size()) {
        finish(failure(last_code_, Retry::later, report()));
    }
}

void ConnectRace::on_writable(Attempt& attempt) {
    const int error = connect_outcome(attempt.socket);
    attempt.watch.reset();
    if (error == 0) {
        finish(Winner{std::move(attempt.socket), attempt.address});
        return;
    }
    attempt.socket.close();
    attempt.fault = network_error(error).text;
    last_code_ = network_error(error).code;
    ++failed_;
    begin_next();
}

void ConnectRace::finish(Expected<Winner> outcome) {
    next_due_->disarm();
    for (Attempt& attempt : attempts_) {
        attempt.watch.reset();
        attempt.socket.close();
    }
    const Done done = std::exchange(done_, nullptr);
    done(std::move(outcome));
}

std::string ConnectRace::report() const {
    std::string text;
    for (const Attempt& attempt : attempts_) {
        if (!attempt.has_begun) {
            continue;
        }
        text += text.empty() ? "" : "; ";
        text += naming_ == Naming::addresses ? attempt.address.to_text() + ": " : "";
        text += attempt.fault.empty() ? "no answer" : attempt.fault;
    }
    return text;
}

}  // namespace postrider::net
