#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "postrider/protocol/smtp/dialogue.h"

#include "sim/chaos.h"
#include "sim/network.h"
#include "sim/oracle.h"
#include "sim/trace.h"
#include "support/sim_loop.h"

namespace postrider::sim {

/// A destination that speaks SMTP or LMTP and fails at any stage in any way. What it takes it tells
/// the oracle; from then on it is responsible, whatever becomes of its reply.
class Mta {
  public:
    struct World {
        test::SimLoop& loop;
        Chaos& chaos;
        Trace& trace;
        Oracle& oracle;
    };

    /// The seed decides what it offers.
    Mta(World world, std::string name, smtp::Flavour flavour, std::uint64_t seed);

    [[nodiscard]] std::unique_ptr<Peer> serve(Wire& wire);
    [[nodiscard]] smtp::Flavour flavour() const { return flavour_; }

  private:
    class Conversation;

    World world_;
    const std::string name_;
    const smtp::Flavour flavour_;
    std::string offers_;  ///< the reply to EHLO
};

}  // namespace postrider::sim
