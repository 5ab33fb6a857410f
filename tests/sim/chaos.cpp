#include "sim/chaos.h"

#include <utility>

#include "sim/random.h"

namespace postrider::sim {

namespace {

struct Kind {
    const char* name;
    std::uint64_t one_in;  ///< occasions, where it is usual
};

/// In the order of Fault. Occasions of the first two are events of all kinds, thousands a run.
constexpr std::array<Kind, kFaults> kKinds = {{
    {"kill", 4000},         {"power-cut", 6000},     {"write-error", 600},
    {"sync-error", 400},    {"disk-full", 2000},     {"connect-refused", 20},
    {"cut-going", 20},      {"cut-coming", 20},      {"stall", 60},
    {"pop3-refuses", 60},   {"pop3-hangs-up", 100},  {"pop3-in-use", 10},
    {"pop3-lists-less", 8}, {"pop3-sizes-move", 12}, {"pop3-new-uids", 16},
    {"pop3-quit-fails", 6}, {"mta-later", 60},       {"mta-refuses", 60},
    {"mta-hangs-up", 100},  {"mta-drops-reply", 20}, {"mta-slow", 150},
    {"mta-splits", 6},      {"ledger-lost", 12},
}};

}  // namespace

std::string_view to_text(Fault fault) {
    return kKinds.at(static_cast<std::size_t>(fault)).name;
}

Chaos::Chaos(std::uint64_t seed, std::set<FaultId> left_out)
    : seed_(seed), left_out_(std::move(left_out)) {
    Random random(scrambled({seed, 0xc4a05}));
    const std::uint64_t calm = random.below(4);  // runs without most of it find the rest sooner
    for (std::size_t i = 0; i < kFaults; ++i) {
        const bool is_known = random.below(4) >= calm;
        const std::uint64_t frequency = random.between(1, 4);  // up to twice as often as usual
        one_in_.at(i) = is_known ? kKinds.at(i).one_in * 2 / frequency + 1 : 0;
    }
}

bool Chaos::strikes(Fault fault) {
    const std::size_t kind = index(fault);
    if (is_healed_ || one_in_[kind] == 0) {
        return false;
    }
    const FaultId id{fault, occasions_[kind]++};
    if (scrambled({seed_, kind, id.occasion}) % one_in_[kind] != 0 || left_out_.contains(id)) {
        return false;
    }
    struck_.push_back(id);
    ++struck_of_[kind];
    chosen_[kind] = 0;
    return true;
}

std::uint64_t Chaos::choose(Fault fault, std::uint64_t bound) {
    const std::size_t kind = index(fault);
    const std::uint64_t drawn = scrambled({seed_, kind, occasions_[kind], ++chosen_[kind]});
    return bound == 0 ? 0 : drawn % bound;
}

}  // namespace postrider::sim
