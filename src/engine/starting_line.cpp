#include "engine/starting_line.h"

#include <algorithm>

#include "postrider/base/assert.h"

namespace postrider::engine {

void StartingLine::set_limits(const Limits& limits) {
    limits_ = limits;
    for (const auto& [name, host] : hosts_) {
        refresh(name);
    }
}

std::size_t StartingLine::sluggish_places() const {
    return std::max<std::size_t>(limits_.polls / 2, 1);
}

void StartingLine::enter(Entrant entrant) {
    const Id id = entrant.id;
    const auto [standing, is_new] = entrants_.try_emplace(id, Standing{std::move(entrant)});
    POSTRIDER_ASSERT(is_new);
    to_host(standing->second);
}

void StartingLine::to_host(Standing& standing) {
    standing.place = Place::at_host;
    hosts_[standing.entrant.host].due.insert(key_of(standing.entrant));
    refresh(standing.entrant.host);
}

/// Keeps ready_ true: a host is in it while it has room and somebody due.
void StartingLine::refresh(const std::string& name) {
    Host& host = hosts_.at(name);
    std::optional<Key> wanted;
    if (host.running < limits_.polls_per_host && !host.due.empty()) {
        wanted = *host.due.begin();
    }
    if (wanted == host.ready) {
        return;
    }
    if (host.ready) {
        ready_.erase(*host.ready);
    }
    if (wanted) {
        ready_.emplace(*wanted, name);
    }
    host.ready = wanted;
}

std::optional<StartingLine::Id> StartingLine::next() {
    while (running_ < limits_.polls && !ready_.empty()) {
        const auto [key, name] = *ready_.begin();
        Standing& standing = entrants_.at(key.second);
        const bool is_running = runs(standing);
        hosts_.at(name).due.erase(key);
        refresh(name);
        if (is_running) {
            return key.second;
        }
    }
    return std::nullopt;
}

/// Gives a place, or the line to wait in until it is worth asking again.
bool StartingLine::runs(Standing& standing) {
    const Entrant& entrant = standing.entrant;
    Mailbox& mailbox = mailboxes_[entrant.mailbox];
    if (mailbox.is_busy) {
        standing.place = Place::at_mailbox;
        mailbox.parked.insert(key_of(entrant));
        return false;
    }
    if (entrant.is_sluggish && sluggish_running_ >= sluggish_places()) {
        standing.place = Place::among_sluggish;
        sluggish_.insert(key_of(entrant));
        return false;
    }
    standing.place = Place::running;
    mailbox.is_busy = true;
    ++hosts_.at(entrant.host).running;
    ++running_;
    sluggish_running_ += entrant.is_sluggish ? 1U : 0U;
    return true;
}

void StartingLine::leave(Id id) {
    const auto found = entrants_.find(id);
    if (found == entrants_.end()) {
        return;
    }
    const Standing standing = std::move(found->second);
    entrants_.erase(found);
    switch (standing.place) {
        case Place::at_host:
            hosts_.at(standing.entrant.host).due.erase(key_of(standing.entrant));
            refresh(standing.entrant.host);
            break;
        case Place::at_mailbox:
            mailboxes_.at(standing.entrant.mailbox).parked.erase(key_of(standing.entrant));
            break;
        case Place::among_sluggish:
            sluggish_.erase(key_of(standing.entrant));
            break;
        case Place::running:
            end_running(standing.entrant);
            break;
    }
    forget_if_idle(standing.entrant);
}

void StartingLine::end_running(const Entrant& entrant) {
    --running_;
    --hosts_.at(entrant.host).running;
    refresh(entrant.host);
    Mailbox& mailbox = mailboxes_.at(entrant.mailbox);
    mailbox.is_busy = false;
    for (const Key& key : std::exchange(mailbox.parked, {})) {
        to_host(entrants_.at(key.second));
    }
    if (entrant.is_sluggish) {
        --sluggish_running_;
        for (const Key& key : std::exchange(sluggish_, {})) {
            to_host(entrants_.at(key.second));
        }
    }
}

void StartingLine::forget_if_idle(const Entrant& entrant) {
    const auto host = hosts_.find(entrant.host);
    if (host != hosts_.end() && host->second.running == 0 && host->second.due.empty()) {
        hosts_.erase(host);
    }
    const auto mailbox = mailboxes_.find(entrant.mailbox);
    if (mailbox != mailboxes_.end() && !mailbox->second.is_busy && mailbox->second.parked.empty()) {
        mailboxes_.erase(mailbox);
    }
}

bool StartingLine::is_running(Id id) const {
    const auto found = entrants_.find(id);
    return found != entrants_.end() && found->second.place == Place::running;
}

}  // namespace postrider::engine
