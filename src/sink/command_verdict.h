#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "postrider/sink/sink.h"

namespace postrider::sink {

/// What a program's end means, by the exit codes of sysexits.h. Refused is only what judges this
/// message or this recipient: 65 data, 67 no such user, 68 no such host, 69 unavailable, 77 no
/// permission. All else but 0 may be mended, also a status that is none of sysexits.h: later.
/// `wait_status` is waitpid's; `complaint` what it wrote to its standard error.
[[nodiscard]] Verdict verdict_of_exit(int wait_status, std::string_view complaint);

/// The first line of a complaint that has something in it, escaped.
[[nodiscard]] std::string first_words(std::string_view complaint);

}  // namespace postrider::sink
