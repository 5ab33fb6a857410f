#pragma once

#include <cstddef>
#include <string_view>

#include "postrider/base/error.h"
#include "postrider/protocol/pop3/dialogue.h"

namespace postrider::pop3 {

/// Collects the lines of one CAPA answer (RFC 2449 section 5). Tags compare as whole words without
/// regard to case (P-007), unknown ones are passed over (P-035), repeated ones add up.
class CapaReader {
  public:
    CapaReader() { capabilities_.known = true; }

    /// Takes a line without CRLF and stuffing. Errors: limit (kMaxCapaLines, kMaxCapaOctets).
    [[nodiscard]] Expected<void> add(std::string_view line);

    [[nodiscard]] const Capabilities& capabilities() const { return capabilities_; }

  private:
    void read_tag(std::string_view tag, std::string_view arguments);
    void add_mechanisms(std::string_view arguments);

    Capabilities capabilities_;
    std::size_t lines_ = 0;
    std::size_t octets_ = 0;
};

}  // namespace postrider::pop3
