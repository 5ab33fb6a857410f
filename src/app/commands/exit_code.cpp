#include "app/commands/exit_code.h"

#include <algorithm>

namespace postrider::app {

ExitCode exit_code_of(const Error& error) {
    switch (error.code) {
        case Errc::login_refused:
            return ExitCode::login_refused;
        case Errc::config:
        case Errc::unsupported:
        case Errc::corrupt:
        case Errc::doubt:
            return ExitCode::config;
        case Errc::refused:
            // A destination that will take nothing before somebody has changed something.
            return error.retry == Retry::never ? ExitCode::config : ExitCode::temporary;
        case Errc::timed_out:
        case Errc::closed:
        case Errc::network:
        case Errc::dns:
        case Errc::tls:
        case Errc::protocol:
        case Errc::limit:
        case Errc::busy:
        case Errc::io:
        case Errc::locked:
            return ExitCode::temporary;
    }
    return ExitCode::temporary;
}

ExitCode exit_code_of(const engine::PollReport& report) {
    if (report.error) {
        return exit_code_of(*report.error);
    }
    return report.put_off > 0 || report.fetch_refused > 0 ? ExitCode::temporary : ExitCode::ok;
}

ExitCode worse(ExitCode a, ExitCode b) {
    return std::max(a, b);
}

}  // namespace postrider::app
