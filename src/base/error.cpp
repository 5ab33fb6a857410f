#include "postrider/base/error.h"

namespace postrider {

std::string_view to_text(Errc code) {
    switch (code) {
        case Errc::timed_out:
            return "timed-out";
        case Errc::closed:
            return "closed";
        case Errc::network:
            return "network";
        case Errc::dns:
            return "dns";
        case Errc::tls:
            return "tls";
        case Errc::protocol:
            return "protocol";
        case Errc::limit:
            return "limit";
        case Errc::login_refused:
            return "login-refused";
        case Errc::busy:
            return "busy";
        case Errc::refused:
            return "refused";
        case Errc::unsupported:
            return "unsupported";
        case Errc::config:
            return "config";
        case Errc::io:
            return "io";
        case Errc::corrupt:
            return "corrupt";
        case Errc::locked:
            return "locked";
        case Errc::doubt:
            return "doubt";
    }
    return "unknown";
}

}  // namespace postrider
