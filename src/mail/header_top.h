#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

// What stands on top of a message where its header should begin (S-025).
namespace postrider::mail {

/// A field as its first line gives it away; `value_begin` lies behind the colon.
struct FieldStart {
    std::string_view name;
    std::size_t value_begin = 0;
};

/// The field that `line` begins; nothing if it begins none.
[[nodiscard]] std::optional<FieldStart> field_start(std::string_view line);

/// The line from `begin` with its line end, or what there is of it.
[[nodiscard]] std::string_view line_at(std::string_view head, std::size_t begin);

struct HeaderTop {
    enum class Kind : std::uint8_t {
        fields,     ///< as it should be; or an empty header
        mbox_line,  ///< "From " or ">From ", as in the files of an mbox
        orphan,     ///< a continuation of nothing, or a line without a colon
        blank,      ///< empty lines, and then a header after all
        no_header,  ///< the body begins at once
    };
    Kind kind = Kind::fields;
    std::size_t fields_begin = 0;  ///< what stands before is no header; 0 for no_header
};

/// Any octets are a valid input. Linear in the length of what is not a header.
[[nodiscard]] HeaderTop header_top(std::string_view head);

}  // namespace postrider::mail
