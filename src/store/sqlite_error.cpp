#include "store/sqlite_error.h"

#include <fmt/format.h>
#include <sqlite3.h>

namespace postrider::store {
namespace {

constexpr int primary(int code) {
    return code & 0xff;
}

}  // namespace

Error sqlite_error(int code, std::string_view what, std::string_view detail) {
    std::string text = fmt::format("{}: {} (SQLite {})", what, detail, code);
    if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC) {
        // The kernel reports it once and may have dropped the pages: no later success says
        // anything about them.
        return {Errc::io, Retry::never, text + ": what was written last may not be on the disk"};
    }
    switch (primary(code)) {
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return {Errc::corrupt, Retry::never, text.append(kDamageAdvice)};
        case SQLITE_PERM:
        case SQLITE_READONLY:
            return {Errc::config, Retry::never, std::move(text)};
        default:
            return {Errc::io, Retry::later, std::move(text)};
    }
}

Error sqlite_error(const SQLite::Exception& exception, std::string_view what) {
    // The extended code is the connection's last one, which may be of another call than this.
    const int code = exception.getErrorCode();
    const int extended = exception.getExtendedErrorCode();
    return sqlite_error(primary(extended) == primary(code) ? extended : code, what,
                        exception.what());
}

}  // namespace postrider::store
