#pragma once

#include <string>

#include "config/reader.h"

namespace postrider::config {

/// Reads the main file and everything its `include` names into the reader, main file first, the
/// others in the order of the patterns and sorted within each. A pattern starts at the directory of
/// the main file; a file is read once. What went wrong is told to the reader.
/// False: some file is missing, unreadable or no YAML, and the rest would be misread without it.
[[nodiscard]] bool read_files(Reader& reader, const std::string& main_path);

}  // namespace postrider::config
