#pragma once

#include <cstdint>

#include "sim/random.h"

namespace postrider::sim {

class Disk;

/// While it lives, the calls of the program under test that name a file of the simulated disk go
/// there; all others go to the kernel. The linker leads them here (--wrap), so that the program
/// itself knows nothing of it. What it takes for chance (std::random_device) comes from the seed.
/// One at a time: there is one kernel.
class SystemCalls {
  public:
    SystemCalls(Disk& disk, std::uint64_t seed);
    SystemCalls(const SystemCalls&) = delete;
    SystemCalls& operator=(const SystemCalls&) = delete;
    ~SystemCalls();

  private:
    Random entropy_;
};

}  // namespace postrider::sim
