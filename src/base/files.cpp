#include "postrider/base/files.h"

#include <array>
#include <cerrno>
#include <memory>
#include <system_error>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

namespace postrider {

namespace {

struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
};

}  // namespace

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

Expected<FileHandle> make_directories(const std::string& path, std::string_view what) {
    FileHandle directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.is_open()) {
        return directory;
    }
    const std::size_t slash = path.find_last_of('/', path.find_last_not_of('/'));
    if (errno != ENOENT || slash == std::string::npos) {
        return failure(file_error(what, errno));
    }
    const Expected<FileHandle> parent = make_directories(path.substr(0, slash + 1), what);
    if (!parent) {
        return failure(parent.error());
    }
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
        return failure(file_error(what, errno));
    }
    directory = FileHandle(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory.is_open()) {
        return failure(file_error(what, errno));
    }
    return directory;
}

Expected<void> make_path_durable(const std::string& path, std::string_view what) {
    std::string above = path.substr(0, path.find_last_not_of('/') + 1);
    for (std::size_t slash = above.rfind('/'); slash != std::string::npos;
         slash = above.rfind('/')) {
        const FileHandle directory(::open(slash == 0 ? "/" : above.substr(0, slash).c_str(),
                                          O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (directory.is_open() && ::fsync(directory.get()) != 0 && errno != EINVAL &&
            errno != EROFS) {
            return failure(file_error(what, errno));
        }
        above.resize(slash);
    }
    return {};
}

Expected<std::vector<std::string>> names_in(int parent, const char* name, std::string_view what) {
    const int descriptor = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (descriptor < 0) {
        return failure(file_error(what, errno));
    }
    const std::unique_ptr<DIR, CloseDirectory> directory(::fdopendir(descriptor));
    if (directory == nullptr) {
        ::close(descriptor);
        return failure(file_error(what, errno));
    }
    std::vector<std::string> names;
    errno = 0;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone
    while (const dirent* const entry = ::readdir(directory.get())) {
        if (entry->d_name[0] != '.') {
            names.emplace_back(&entry->d_name[0]);
        }
    }
    if (errno != 0) {
        return failure(file_error(what, errno));
    }
    return names;
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

}  // namespace postrider
