#include "postrider/engine/account_poll.h"

#include <utility>

#include "engine/poll_machine.h"

namespace postrider::engine {

AccountPoll::AccountPoll(Services& services, source::SourceFactory& source, Route route,
                         AccountPolicy policy)
    : machine_(std::make_unique<Machine>(services, source, std::move(route), std::move(policy))) {}

AccountPoll::~AccountPoll() = default;

void AccountPoll::start(Progress progress, Done done) {
    machine_->start(std::move(progress), std::move(done));
}

bool AccountPoll::wind_down() {
    return machine_->wind_down();
}

}  // namespace postrider::engine
