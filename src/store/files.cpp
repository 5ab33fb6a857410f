#include "store/files.h"

#include <array>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

namespace postrider::store {

Error file_error(std::string_view what, int error_number) {
    std::string text = fmt::format("{}: {}", what, std::generic_category().message(error_number));
    switch (error_number) {
        case EACCES:
        case EPERM:
        case EROFS:
        case ELOOP:
        case ENOENT:
        case ENOTDIR:
        case EISDIR:
        case ENAMETOOLONG:
            return {Errc::config, Retry::never, std::move(text)};
        default:
            return {Errc::io, Retry::later, std::move(text)};
    }
}

Expected<FileHandle> open_directory(int parent, const std::string& name, std::string_view what) {
    if (::mkdirat(parent, name.c_str(), 0700) != 0 && errno != EEXIST) {
        return failure(file_error(what, errno));
    }
    FileHandle directory(
        ::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory.is_open()) {
        return failure(file_error(what, errno));
    }
    return directory;
}

Expected<void> write_all(int file, std::string_view bytes, std::string_view what) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(file, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            return failure(file_error(what, errno));
        }
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

Expected<void> make_durable(int file, std::string_view what) {
    if (::fsync(file) != 0) {
        return failure(file_error(what, errno));
    }
    return {};
}

Expected<std::optional<std::string>> read_file(int directory, const std::string& name,
                                               std::size_t limit, std::string_view what) {
    const FileHandle file(::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!file.is_open()) {
        if (errno == ENOENT) {
            return std::nullopt;
        }
        return failure(file_error(what, errno));
    }
    std::string content;
    std::array<char, 16384> piece{};
    for (;;) {
        const ssize_t got = ::read(file.get(), piece.data(), piece.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return failure(file_error(what, errno));
        }
        if (got == 0) {
            return content;
        }
        content.append(piece.data(), static_cast<std::size_t>(got));
        if (content.size() > limit) {
            return failure(file_error(what, EFBIG));
        }
    }
}

Expected<void> replace_file(int directory, const std::string& name, std::string_view bytes,
                            std::string_view what) {
    const std::string unfinished = name + ".new";
    const FileHandle file(::openat(directory, unfinished.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.is_open()) {
        return failure(file_error(what, errno));
    }
    if (auto written = write_all(file.get(), bytes, what); !written) {
        return written;
    }
    if (auto durable = make_durable(file.get(), what); !durable) {
        return durable;
    }
    if (::renameat(directory, unfinished.c_str(), directory, name.c_str()) != 0) {
        return failure(file_error(what, errno));
    }
    return make_durable(directory, what);
}

}  // namespace postrider::store
