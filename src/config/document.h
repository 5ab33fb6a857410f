#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "postrider/base/secret.h"

namespace postrider::config {

/// Line and column as an editor counts: from 1.
struct Position {
    std::uint32_t line = 0;
    std::uint32_t column = 0;
};

struct Entry;

/// One node of a YAML document. Unlike the nodes of yaml-cpp it knows its file, keeps duplicate
/// keys for the complaint about them, and cannot be an alias.
struct Value {
    enum class Kind : std::uint8_t {
        null,
        scalar,
        list,
        map,
        unusable,  ///< there was something, and its fault is told already
    };
    Kind kind = Kind::null;
    std::uint32_t file = 0;  ///< index among the files of the configuration
    Position position;
    Secret text;  ///< of a scalar; nobody knows yet which of them are passwords
    std::vector<Value> items;
    std::vector<Entry> entries;  ///< of a map, in the order of the file

    /// The first entry of that key, or nothing.
    [[nodiscard]] const Entry* find(std::string_view key) const;
};

struct Entry {
    std::string key;
    Position position;  ///< of the key
    Value value;
    std::optional<Position> earlier;  ///< where the same key stood before
};

struct DocumentFault {
    Position position;
    std::string text;
};

struct Document {
    Value root;  ///< null: an empty file
    std::vector<DocumentFault> faults;
    bool is_readable = true;  ///< false: no YAML at all, the root says nothing
};

/// Parses one YAML document; `file` marks its values. Anchors, aliases and tags are faults, and so
/// are octets that are not UTF-8 text, more than kMaxDepth collections within each other and a
/// second document. Nothing is ever expanded: time and memory are linear in the text.
/// `text` is wiped.
[[nodiscard]] Document parse_document(std::string text, std::uint32_t file);

}  // namespace postrider::config
