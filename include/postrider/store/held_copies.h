#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "postrider/base/error.h"
#include "postrider/store/held.h"

namespace postrider::store {

/// One destination's refusal of a held message, or of some of its recipients.
struct HeldRefusal {
    std::string file;  ///< of its envelope
    HeldMessage what;
};

/// A message of the held store.
struct HeldCopy {
    std::string id;    ///< of its delivery
    std::string file;  ///< of the message, under held/: "new/<id>", or where a mail reader moved it
    std::uint64_t size = 0;
    /// In the order of the refusals. Empty if somebody took the envelope away: whom the message was
    /// for is not known then.
    std::vector<HeldRefusal> refusals;
};

struct HeldListing {
    std::vector<HeldCopy> copies;     ///< oldest first
    std::vector<std::string> faults;  ///< sentences about files that could not be read
};

/// Looks at the held store of a state directory, and takes out of it what is settled. Looking works
/// beside a process that holds mail; who changes something has the lock (StateDir). Blocks.
class HeldCopies {
  public:
    explicit HeldCopies(const std::string& state_dir) : path_(state_dir + "/held") {}

    /// An envelope without its message is not listed: a crash left it, and nothing was held. Where
    /// no held store (or not even the directory) exists yet, nothing is. Errors: config, io.
    [[nodiscard]] Expected<HeldListing> list() const;

    /// Hands the octets of the message on, piece by piece; an error of `take` ends it.
    using Take = std::function<Expected<void>(std::string_view)>;
    [[nodiscard]] Expected<void> read(const HeldCopy& copy, const Take& take) const;

    /// Writes the envelope anew, durably.
    [[nodiscard]] Expected<void> amend(const HeldRefusal& refusal) const;

    /// Takes one refusal out of `copy` and its envelope away. Durable. With the last one goes the
    /// message, before its envelope.
    [[nodiscard]] Expected<void> remove(HeldCopy& copy, std::size_t refusal) const;

    /// Takes all away: the message, then its envelopes. Durable.
    [[nodiscard]] Expected<void> remove(const HeldCopy& copy) const;

  private:
    std::string path_;
};

}  // namespace postrider::store
