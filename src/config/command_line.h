#pragma once

#include <string>
#include <vector>

#include "config/reader.h"

namespace postrider::config {

/// Reads the list of a program and its arguments. A program with a slash in its name is found from
/// the directory of the file, like any path; without one, through PATH.
void read_command_line(Reader& reader, const Value& value, std::vector<std::string>& into);

}  // namespace postrider::config
