#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include <sys/types.h>

#include "postrider/base/error.h"

namespace postrider::config {

/// What decides whether a file may hold a secret, and whether two names are one file.
struct FileFacts {
    mode_t mode = 0;
    uid_t owner = 0;
    dev_t device = 0;
    ino_t inode = 0;

    [[nodiscard]] bool is_same_file(const FileFacts& other) const {
        return device == other.device && inode == other.inode;
    }
};

struct FileContent {
    std::string bytes;
    FileFacts facts;
};

/// Why a file with these facts must not hold a secret, with the remedy; nothing if it may: only its
/// owner can read it, or root owns it and a group may read.
[[nodiscard]] std::optional<std::string> exposure(const FileFacts& facts);

/// The facts of a regular file that can be opened for reading. Errors: config, without the path.
[[nodiscard]] Expected<FileFacts> inspect_file(const std::string& path);

/// A whole regular file of at most `limit` octets. Errors: config, without the path.
[[nodiscard]] Expected<FileContent> read_file(const std::string& path, std::size_t limit);

}  // namespace postrider::config
