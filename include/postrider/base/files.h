#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "postrider/base/error.h"
#include "postrider/base/file_handle.h"

// Files in an open directory. `what` begins the text of an error: "cannot write <path>".
namespace postrider {

/// An error for people out of errno: permissions, links and missing places are `config`, never;
/// the rest is `io`, later.
[[nodiscard]] Error file_error(std::string_view what, int error_number);

/// Opens a subdirectory, made with mode 0700 if missing; never through a symbolic link.
[[nodiscard]] Expected<FileHandle> open_directory(int parent, const std::string& name,
                                                  std::string_view what);

/// Opens a directory by its path; it and what is missing above it is made with mode 0700. Their
/// names are not durable yet.
[[nodiscard]] Expected<FileHandle> make_directories(const std::string& path, std::string_view what);

/// Makes the names of a directory and of those above it survive a power cut; whoever made them may
/// have ended before. As far as the directories let us: one that we may not even read, or on a
/// read-only file system, belongs to an administrator who has made what is in it before; some file
/// systems fsync no directories.
[[nodiscard]] Expected<void> make_path_durable(const std::string& path, std::string_view what);

[[nodiscard]] Expected<void> write_all(int file, std::string_view bytes, std::string_view what);

/// Names in a directory, without those that begin with a dot.
[[nodiscard]] Expected<std::vector<std::string>> names_in(int parent, const char* name,
                                                          std::string_view what);

/// fsync(2).
[[nodiscard]] Expected<void> make_durable(int file, std::string_view what);

/// The content of a file, nothing if there is none. A file above `limit` octets is an error.
[[nodiscard]] Expected<std::optional<std::string>> read_file(int directory, const std::string& name,
                                                             std::size_t limit,
                                                             std::string_view what);

/// Puts a file in place of another at once: after a crash or power cut there is the old content or
/// the new, and after success the new.
[[nodiscard]] Expected<void> replace_file(int directory, const std::string& name,
                                          std::string_view bytes, std::string_view what);

}  // namespace postrider
