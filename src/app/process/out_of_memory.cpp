#include "app/process/out_of_memory.h"

#include <string_view>

#include <unistd.h>

#include "app/commands/exit_code.h"

namespace postrider::app {

void end_without_memory() {
    constexpr std::string_view kText =
        "postrider: out of memory: give it more, or lower limits.memory or limits.polls; no mail "
        "is "
        "lost, the next run goes on from here\n";
    // Where nobody can be told, the exit code still tells it.
    [[maybe_unused]] const auto told = ::write(STDERR_FILENO, kText.data(), kText.size());
    ::_exit(static_cast<int>(ExitCode::temporary));
}

}  // namespace postrider::app
