#include <chrono>
#include <map>
#include <stdexcept>
#include <utility>

#include <ares.h>
#include <sys/stat.h>

#include "postrider/base/text.h"

#include "net/resolver.h"

namespace postrider::net {
namespace {

constexpr int kQueryTimeoutMs = 3000;  ///< of one try at one server; doubles with each round
constexpr int kQueryTries = 3;

struct DestroyChannel {
    void operator()(ares_channel channel) const { ares_destroy(channel); }
};
using ChannelPtr = std::unique_ptr<ares_channeldata, DestroyChannel>;

struct FreeAddrInfo {
    void operator()(ares_addrinfo* info) const { ares_freeaddrinfo(info); }
};
using AddrInfoPtr = std::unique_ptr<ares_addrinfo, FreeAddrInfo>;

/// c-ares keeps a count of those who use it.
class AresLibrary {
  public:
    AresLibrary() {
        if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
            throw std::runtime_error("c-ares cannot start");
        }
    }
    AresLibrary(const AresLibrary&) = delete;
    AresLibrary& operator=(const AresLibrary&) = delete;
    ~AresLibrary() { ares_library_cleanup(); }
};

timespec resolv_conf_time() {
    struct stat file {};
    return ::stat("/etc/resolv.conf", &file) == 0 ? file.st_mtim : timespec{};
}

Addresses addresses_of(const ares_addrinfo& info) {
    Addresses addresses;
    for (const ares_addrinfo_node* node = info.nodes; node != nullptr; node = node->ai_next) {
        if (node->ai_family == AF_INET || node->ai_family == AF_INET6) {
            addresses.emplace_back(node->ai_addr, node->ai_addrlen);
        }
    }
    return addresses;
}

Error dns_error(const std::string& host, int status) {
    const std::string name = escaped(host);
    switch (status) {
        case ARES_SUCCESS:
        case ARES_ENODATA:
            return {Errc::dns, Retry::later, "the host " + name + " has no address"};
        case ARES_ENOTFOUND:
            return {Errc::dns, Retry::later, "there is no host " + name};
        case ARES_EBADNAME:
            return {Errc::dns, Retry::never, name + " is no host name"};
        default:  // an int of c-ares: the others explain themselves
            return {Errc::dns, Retry::later,
                    "the address of " + name +
                        " cannot be looked up: " + to_lower(ares_strerror(status))};
    }
}

class AresResolver final : public Resolver {
  public:
    AresResolver(event::Loop& loop, std::string servers)
        : loop_(loop), servers_(std::move(servers)), retry_timer_(loop.make_timer([this] {
              ares_process_fd(channel_.get(), ARES_SOCKET_BAD, ARES_SOCKET_BAD);
              aim_timer();
          })) {
        renew_channel();
        if (channel_ == nullptr) {
            throw std::runtime_error("c-ares cannot start");
        }
    }

    [[nodiscard]] std::unique_ptr<event::Operation> resolve(const std::string& host,
                                                            std::uint16_t port, Done done) override;

  private:
    class Query;

    void renew_channel();
    void aim_timer();
    void on_socket_state(ares_socket_t fd, bool read, bool write);

    event::Loop& loop_;
    std::string servers_;  ///< instead of those of resolv.conf, if not empty
    AresLibrary library_;
    std::map<ares_socket_t, std::unique_ptr<event::FdWatch>> watches_;
    std::unique_ptr<event::Timer> retry_timer_;
    std::size_t unanswered_ = 0;  ///< questions c-ares has not called back for
    timespec configured_at_{};
    ChannelPtr channel_;  ///< last: its end still closes sockets through watches_
};

/// One question. c-ares cannot be told to drop one, so what it calls back with is an Answer of its
/// own that may have lost its Query.
class AresResolver::Query final : public event::Operation {
  public:
    Query(AresResolver& resolver, std::string host, Done done)
        : host_(std::move(host)),
          done_(std::move(done)),
          tell_(resolver.loop_.make_timer([this] { tell(); })) {}
    Query(const Query&) = delete;
    Query& operator=(const Query&) = delete;
    ~Query() override {
        if (answer_ != nullptr) {
            answer_->query = nullptr;
        }
    }

    void ask(AresResolver& resolver, std::uint16_t port) {
        answer_ = new Answer{&resolver, this};  // on_answer() frees it, c-ares calls it once
        ++resolver.unanswered_;
        const std::string service = std::to_string(port);
        ares_addrinfo_hints hints{};
        hints.ai_family = AF_UNSPEC;
        hints.ai_socktype = SOCK_STREAM;
        hints.ai_flags = ARES_AI_NUMERICSERV;
        ares_getaddrinfo(resolver.channel_.get(), host_.c_str(), service.c_str(), &hints,
                         &Query::on_answer, answer_);
    }

  private:
    struct Answer {
        AresResolver* resolver;
        Query* query;
    };

    static void on_answer(void* argument, int status, int /*timeouts*/, ares_addrinfo* raw) {
        const std::unique_ptr<Answer> answer(static_cast<Answer*>(argument));
        const AddrInfoPtr info(raw);
        if (status == ARES_EDESTRUCTION) {
            if (answer->query != nullptr) {
                answer->query->answer_ = nullptr;
            }
            return;
        }
        --answer->resolver->unanswered_;
        if (answer->query == nullptr) {
            return;
        }
        Query& query = *answer->query;
        query.answer_ = nullptr;
        query.result_ = info == nullptr ? Addresses() : addresses_of(*info);
        if (status != ARES_SUCCESS || query.result_->empty()) {
            query.result_ = failure(dns_error(query.host_, status));
        }
        // c-ares may call back inside the question itself, and does not like to be destroyed here.
        query.tell_->arm(Duration::zero());
    }

    void tell() {
        const Done done = std::exchange(done_, nullptr);
        done(std::move(result_));
    }

    std::string host_;
    Done done_;
    Expected<Addresses> result_;
    Answer* answer_ = nullptr;
    std::unique_ptr<event::Timer> tell_;
};

std::unique_ptr<event::Operation> AresResolver::resolve(const std::string& host, std::uint16_t port,
                                                        Done done) {
    if (unanswered_ == 0) {
        renew_channel();
    }
    auto query = std::make_unique<Query>(*this, host, std::move(done));
    query->ask(*this, port);
    aim_timer();
    return query;
}

void AresResolver::renew_channel() {
    const timespec changed_at = resolv_conf_time();
    if (channel_ != nullptr && changed_at.tv_sec == configured_at_.tv_sec &&
        changed_at.tv_nsec == configured_at_.tv_nsec) {
        return;
    }
    ares_options options{};
    options.timeout = kQueryTimeoutMs;
    options.tries = kQueryTries;
    options.sock_state_cb = [](void* self, ares_socket_t fd, int read, int write) {
        static_cast<AresResolver*>(self)->on_socket_state(fd, read != 0, write != 0);
    };
    options.sock_state_cb_data = this;
    ares_channel raw = nullptr;
    const int status = ares_init_options(
        &raw, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
    if (status != ARES_SUCCESS) {
        return;  // the configuration of before, if there is one, still serves
    }
    ChannelPtr fresh(raw);
    if (servers_.empty() || ares_set_servers_ports_csv(raw, servers_.c_str()) == ARES_SUCCESS) {
        channel_ = std::move(fresh);
        configured_at_ = changed_at;
    }
}

void AresResolver::aim_timer() {
    timeval wait{};
    if (ares_timeout(channel_.get(), nullptr, &wait) == nullptr) {
        retry_timer_->disarm();
        return;
    }
    retry_timer_->arm(std::chrono::seconds(wait.tv_sec) + std::chrono::microseconds(wait.tv_usec));
}

void AresResolver::on_socket_state(ares_socket_t fd, bool read, bool write) {
    if (!read && !write) {
        watches_.erase(fd);
        return;
    }
    const auto interest = !write  ? event::Interest::read
                          : !read ? event::Interest::write
                                  : event::Interest::read_write;
    auto& watch = watches_[fd];
    if (watch != nullptr) {
        watch->set_interest(interest);
        return;
    }
    watch = loop_.watch_fd(fd, interest, [this, fd](event::Readiness ready) {
        ares_process_fd(channel_.get(), ready.readable ? fd : ARES_SOCKET_BAD,
                        ready.writable ? fd : ARES_SOCKET_BAD);
        aim_timer();
    });
}

}  // namespace

std::unique_ptr<Resolver> make_ares_resolver(event::Loop& loop, const std::string& servers) {
    return std::make_unique<AresResolver>(loop, servers);
}

}  // namespace postrider::net
