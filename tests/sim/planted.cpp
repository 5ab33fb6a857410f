#include "sim/planted.h"

#include <algorithm>
#include <array>

#include "postrider/base/planted.h"

namespace postrider {

namespace sim {
namespace {

constexpr std::array kFaults = {
    PlantedFault{"pipelined-at-once", "a new mailbox is pipelined before its first listing"},
    PlantedFault{"half-a-message", "a message whose connection ends within it counts as whole"},
    PlantedFault{"size-ignored", "a known UID of another size is taken for the known message"},
    PlantedFault{"gone-is-gone", "the UID of a deleted message is taken for that message"},
    PlantedFault{"forgotten-at-once", "a record is forgotten when one listing lacks it"},
    PlantedFault{"absences-add-up", "absences are counted together over a listing that has it"},
    PlantedFault{"settled-forgotten", "who has got a message gets it again with the others"},
    PlantedFault{"memory-kept", "the budget never gets back what a message took of it"},
    PlantedFault{"two-in-doubt", "a delivery is committed before the last one is recorded"},
    PlantedFault{"no-dot-stuffing", "lines that begin with a dot go out as they are"},
    PlantedFault{"silence-is-consent", "a lost answer to the final dot counts as delivered"},
    PlantedFault{"one-for-all", "the answer for the first recipient counts for all"},
    PlantedFault{"refused-is-gone", "what is refused is discarded"},
    PlantedFault{"one-way-is-enough", "what one destination has put off counts if another has it"},
    PlantedFault{"nobody-has-it", "mail that names nobody here counts as delivered to all"},
    PlantedFault{"doubt-not-synced", "a delivery to be tried once begins before that is durable"},
    PlantedFault{"doubt-forgotten", "what may have been taken is delivered again after all"},
    PlantedFault{"maildir-not-synced", "a file of a Maildir appears before its fsync"},
    PlantedFault{"maildir-name-not-synced", "its name in new/ is not fsynced"},
    PlantedFault{"maildir-path-not-synced", "the path of a Maildir is not fsynced"},
    PlantedFault{"held-without-copy", "a refused message counts as held, and no copy is made"},
    PlantedFault{"held-not-synced", "the names of held copies are not fsynced"},
    PlantedFault{"not-recorded", "what was delivered is not recorded"},
    PlantedFault{"sync-without-fsync", "the ledger says that it is durable without any fsync"},
    PlantedFault{"fsync-forgiven", "an fsync of the ledger that failed is not made up for"},
    PlantedFault{"dele-before-sync", "DELE does not wait for the ledger to be durable"},
    PlantedFault{"age-ignored", "what is to be kept for a while is deleted at once"},
    PlantedFault{"leftovers-stay", "leftovers of a consuming server are not settled"},
    PlantedFault{"quit-after-put-off", "a consuming server gets QUIT though mail is unsecured"},
    PlantedFault{"quit-always-good", "a refused QUIT counts as a good one"},
    PlantedFault{"any-ledger-will-do", "a ledger that is gone or foreign is not noticed"},
};

std::string_view planted;

}  // namespace

std::span<const PlantedFault> planted_faults() {
    return kFaults;
}

bool plant([[maybe_unused]] std::string_view name) {
#ifdef POSTRIDER_PLANTED_FAULTS
    const auto fault = std::find_if(kFaults.begin(), kFaults.end(),
                                    [name](const PlantedFault& one) { return one.name == name; });
    if (fault != kFaults.end()) {
        planted = fault->name;
        return true;
    }
#endif
    return false;
}

}  // namespace sim

#ifdef POSTRIDER_PLANTED_FAULTS
bool is_planted(std::string_view fault) {
    return fault == sim::planted;
}
#endif

}  // namespace postrider
