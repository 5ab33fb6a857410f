#pragma once

#include <string>
#include <string_view>

namespace postrider::smtp {

/// Makes content fit for DATA (RFC 5321 section 4.5.2), streaming, at any split: a line that begins
/// with a dot gets one more, and the line with the lone dot ends it. The one place that does it
/// (S-002).
///
/// Content is canonical: CR and LF come as CRLF only. Should it not be, a dot behind a bare LF is
/// doubled too, so that not even a server that takes LF for a line end sees an end before the end
/// (SMTP smuggling).
class DotStuffer {
  public:
    void append(std::string_view piece, std::string& output);

    /// The final dot, on a line of its own: an unfinished last line is ended before.
    void finish(std::string& output);

  private:
    // The last two octets. At the start they are those of the DATA line: a dot that comes first is
    // at the start of a line, and empty content ends at ".\r\n" at once.
    char before_last_ = '\r';
    char last_ = '\n';
};

}  // namespace postrider::smtp
