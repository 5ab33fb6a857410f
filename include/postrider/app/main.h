#pragma once

namespace postrider::app {

/// The whole program: reads the command line, runs the command, returns an exit code of sysexits.h.
[[nodiscard]] int run(int argc, const char* const* argv);

}  // namespace postrider::app
