#pragma once

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "postrider/base/planted.h"
#include "postrider/engine/route.h"
#include "postrider/mail/address.h"

// Who has a message already, or whose copy is held: how MessageRecord::settled_recipients tells it.
//   "alice@localhost"          where there is one destination, which may change its name
//   "archive alice@localhost"  where there are several
//   "archive "                 all whom it was for have it there
// No name of a destination has a blank in it, and no address begins with one that is followed by a
// blank.
namespace postrider::engine {

class Settled {
  public:
    Settled(std::vector<std::string>& names, const Route& route) : names_(names), route_(route) {}

    [[nodiscard]] bool has(const Destination& there, const mail::Address& recipient) const {
        // What was recorded while there was one destination is true of the first of several.
        const bool is_first = &there == route_.destinations().front();
        return has(there.name() + ' ' + recipient.text()) || (is_first && has(recipient.text()));
    }
    [[nodiscard]] bool has_all(const Destination& there) const { return has(there.name() + ' '); }

    void add(const Destination& there, const mail::Address& recipient) {
        if (!has(there, recipient)) {
            names_.push_back(route_.is_single() ? recipient.text()
                                                : there.name() + ' ' + recipient.text());
        }
    }
    void add_all(const Destination& there) {
        if (!route_.is_single() && !has_all(there)) {
            names_.push_back(there.name() + ' ');
        }
    }

  private:
    [[nodiscard]] bool has(const std::string& name) const {
        return std::find(names_.begin(), names_.end(), name) != names_.end();
    }

    std::vector<std::string>& names_;
    const Route& route_;
};

/// Of those who are to get it there, the ones that wait for it still.
[[nodiscard]] inline std::vector<mail::Address> waiting(
    const Settled& settled, const Destination& there,
    const std::vector<mail::Address>& recipients) {
    std::vector<mail::Address> rest;
    if (!settled.has_all(there)) {
        std::copy_if(recipients.begin(), recipients.end(), std::back_inserter(rest),
                     [&](const mail::Address& one) {
                         return !settled.has(there, one) || is_planted("settled-forgotten");
                     });
    }
    return rest;
}

}  // namespace postrider::engine
