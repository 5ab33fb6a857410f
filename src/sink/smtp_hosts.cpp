#include "sink/smtp_hosts.h"

#include <utility>

#include "postrider/base/assert.h"

namespace postrider::sink {

SmtpHosts::SmtpHosts(std::vector<std::string> names) {
    POSTRIDER_ASSERT(!names.empty());
    for (std::string& name : names) {
        hosts_.push_back({std::move(name)});
    }
}

std::optional<std::size_t> SmtpHosts::next(MonotonicTime now) const {
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
        if (!hosts_[i].failed || now >= hosts_[i].left_alone_until) {
            return i;
        }
    }
    return std::nullopt;
}

void SmtpHosts::on_failed(std::size_t host, const Error& why, MonotonicTime now) {
    hosts_.at(host).failed = why;
    hosts_.at(host).left_alone_until = now + kHostPause;
}

Error SmtpHosts::give_up() {
    std::optional<Error> all;
    for (Host& host : hosts_) {
        const auto failed = std::exchange(host.failed, std::nullopt);
        if (!failed) {
            continue;
        }
        const bool names_it = !has_several() || failed->text.find(host.name) != std::string::npos;
        const Error told = names_it ? *failed : failed->in(host.name);
        if (!all) {
            all = told;
            continue;
        }
        all->text += "; " + told.text;
        if (all->retry == Retry::never) {
            all->retry = told.retry;
            all->code = told.code;
        }
    }
    return all.value_or(Error{Errc::network, Retry::later, "no host is left to try"});
}

}  // namespace postrider::sink
