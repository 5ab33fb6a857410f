#pragma once

#include <concepts>
#include <string_view>
#include <type_traits>
#include <utility>

#include <SQLiteCpp/Exception.h>

#include "postrider/base/error.h"

// The border between SQLiteCpp, which throws, and everything else, which does not.
namespace postrider::store {

/// Behind every word of damage: SQLite says the same of a page that the disk does not give back.
inline constexpr std::string_view kDamageAdvice =
    "; it is left as it is: see in the system's log whether its disk cannot be read, else restore "
    "it from a backup";

/// What a failure of SQLite means to the ledger. A failed fsync and damage are final: Retry::never.
/// A full disk, an I/O error, a busy file pass: Retry::later. `what` begins the text.
[[nodiscard]] Error sqlite_error(const SQLite::Exception& exception, std::string_view what);

/// The same for a bare result code, extended or not.
[[nodiscard]] Error sqlite_error(int code, std::string_view what, std::string_view detail);

/// Expected<T>, also if T is an Expected itself.
template <class T>
struct Flattened {
    using Type = Expected<T>;
};
template <class T>
struct Flattened<Expected<T>> {
    using Type = Expected<T>;
};

/// Runs `work` and turns what SQLite throws into an error that begins with `what`.
template <std::invocable Work>
[[nodiscard]] typename Flattened<std::invoke_result_t<Work>>::Type catching_sqlite(
    std::string_view what, Work&& work) {
    try {
        if constexpr (std::is_void_v<std::invoke_result_t<Work>>) {
            std::forward<Work>(work)();
            return {};
        } else {
            return std::forward<Work>(work)();
        }
    } catch (const SQLite::Exception& exception) {
        return failure(sqlite_error(exception, what));
    }
}

}  // namespace postrider::store
