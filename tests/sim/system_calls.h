#pragma once

namespace postrider::sim {

class Disk;

/// While it lives, the calls of the program under test that name a file of the simulated disk go
/// there; all others go to the kernel. The linker leads them here (--wrap), so that the program
/// itself knows nothing of it. One at a time: there is one kernel.
class SystemCalls {
  public:
    explicit SystemCalls(Disk& disk);
    SystemCalls(const SystemCalls&) = delete;
    SystemCalls& operator=(const SystemCalls&) = delete;
    ~SystemCalls();
};

}  // namespace postrider::sim
