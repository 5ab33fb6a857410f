#include "sink/maildir_files.h"

#include <cerrno>
#include <cstdio>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "postrider/base/files.h"
#include "postrider/base/planted.h"
#include "postrider/base/text.h"

namespace postrider::sink {

namespace {

Expected<void> write_durably(int file, LocalContent& content, const std::string& what) {
    while (true) {
        const auto piece = content.next();
        if (!piece) {
            return failure(piece.error());
        }
        if (piece->empty()) {
            return is_planted("maildir-not-synced") ? Expected<void>() : make_durable(file, what);
        }
        if (auto written = write_all(file, *piece, what); !written) {
            return written;
        }
    }
}

}  // namespace

UnpublishedMail::UnpublishedMail(FileHandle tmp, FileHandle fresh, std::string unfinished,
                                 std::string name)
    : tmp_(std::move(tmp)),
      fresh_(std::move(fresh)),
      unfinished_(std::move(unfinished)),
      name_(std::move(name)) {}

UnpublishedMail::UnpublishedMail(UnpublishedMail&& other) noexcept
    : tmp_(std::move(other.tmp_)),
      fresh_(std::move(other.fresh_)),
      unfinished_(std::exchange(other.unfinished_, {})),
      name_(std::move(other.name_)) {}

UnpublishedMail::~UnpublishedMail() {
    if (!unfinished_.empty()) {
        ::unlinkat(tmp_.get(), unfinished_.c_str(), 0);
    }
}

Expected<bool> UnpublishedMail::appear(const std::string& what) {
    int error_number = 0;
    if (link(error_number)) {
        return true;
    }
    if (error_number == EEXIST) {
        return false;
    }
    return failure(file_error(what, error_number));
}

/// Where the file system cannot rename without replacing, a second link does the same, and the
/// destructor takes the first one away.
bool UnpublishedMail::link(int& error_number) const {
    const char* const from = unfinished_.c_str();
    if (::renameat2(tmp_.get(), from, fresh_.get(), name_.c_str(), RENAME_NOREPLACE) == 0) {
        return true;
    }
    if ((errno == EINVAL || errno == ENOSYS) &&
        ::linkat(tmp_.get(), from, fresh_.get(), name_.c_str(), 0) == 0) {
        return true;
    }
    error_number = errno;
    return false;
}

Expected<MaildirFiles::Maildir> MaildirFiles::open(const std::string& path) {
    const std::string what = "cannot use the Maildir " + escaped(path);
    auto self = make_directories(path, what);
    if (!self) {
        return failure(self.error());
    }
    Maildir maildir;
    maildir.self = std::move(*self);
    FileHandle cur;
    bool is_new = false;
    for (auto [name, directory] : {std::pair{"tmp", &maildir.tmp}, std::pair{"new", &maildir.fresh},
                                   std::pair{"cur", &cur}}) {
        is_new = is_new || ::faccessat(maildir.self.get(), name, F_OK, AT_EACCESS) != 0;
        auto opened = open_directory(maildir.self.get(), name, what + "/" + name);
        if (!opened) {
            return failure(opened.error());
        }
        *directory = std::move(*opened);
    }
    if (is_new) {
        note_safe(path, false);
    }
    if (!is_safe(path) && !is_planted("maildir-path-not-synced")) {
        // Whoever made it, this process or an earlier one, may have got no further.
        if (auto durable = make_durable(maildir.self.get(), what); !durable) {
            return failure(durable.error());
        }
        if (auto durable = make_path_durable(path, what); !durable) {
            return failure(durable.error());
        }
        note_safe(path, true);
    }
    return maildir;
}

bool MaildirFiles::is_safe(const std::string& path) {
    const std::lock_guard lock(mutex_);
    return safe_.contains(path);
}

void MaildirFiles::note_safe(const std::string& path, bool is_safe) {
    const std::lock_guard lock(mutex_);
    if (is_safe) {
        safe_.insert(path);
    } else {
        safe_.erase(path);
    }
}

Expected<std::optional<UnpublishedMail>> MaildirFiles::write(const std::string& path,
                                                             const std::string& name,
                                                             const std::string& delivery_id,
                                                             LocalContent& content) {
    auto maildir = open(path);
    if (!maildir) {
        return failure(maildir.error());
    }
    const auto is_there = index_.contains(maildir->self.get(), path, delivery_id);
    if (!is_there) {
        return failure(is_there.error());
    }
    if (*is_there) {
        // The attempt that put it there may have ended before the directory was on the disk.
        const auto durable =
            make_durable(maildir->fresh.get(), "cannot write " + escaped(path) + "/new");
        return durable ? Expected<std::optional<UnpublishedMail>>(std::nullopt)
                       : failure(durable.error());
    }
    if (auto removed = remove_leftovers(*maildir, path, name); !removed) {
        return failure(removed.error());
    }
    const std::string unfinished = fmt::format("{}.{}.{}", name, process_, ++begun_);
    const std::string what = fmt::format("cannot write {}/tmp/{}", escaped(path), unfinished);
    const FileHandle file(::openat(maildir->tmp.get(), unfinished.c_str(),
                                   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.is_open()) {
        return failure(file_error(what, errno));
    }
    UnpublishedMail mail(std::move(maildir->tmp), std::move(maildir->fresh), unfinished, name);
    if (auto written = write_durably(file.get(), content, what); !written) {
        return failure(written.error());
    }
    return std::optional(std::move(mail));
}

Expected<void> MaildirFiles::remove_leftovers(const Maildir& maildir, const std::string& path,
                                              const std::string& name) const {
    const std::string what = "cannot look through " + escaped(path) + "/tmp";
    const auto names = names_in(maildir.self.get(), "tmp", what);
    if (!names) {
        return failure(names.error());
    }
    for (const std::string& leftover : *names) {
        if (leftover.starts_with(name + ".") && !leftover.starts_with(name + "." + process_)) {
            ::unlinkat(maildir.tmp.get(), leftover.c_str(), 0);
        }
    }
    return {};
}

Expected<void> MaildirFiles::publish(const std::string& path, const std::string& delivery_id,
                                     UnpublishedMail& mail) {
    const std::string what = "cannot write " + escaped(path) + "/new";
    if (const auto appeared = mail.appear(what); !appeared) {
        return failure(appeared.error());
    }
    index_.add(path, delivery_id);
    return is_planted("maildir-name-not-synced") ? Expected<void>()
                                                 : make_durable(mail.fresh(), what);
}

Expected<void> MaildirFiles::check_maildir(const std::string& path) {
    const auto maildir = open(path);
    if (!maildir) {
        return failure(maildir.error());
    }
    if (::faccessat(maildir->tmp.get(), ".", W_OK, AT_EACCESS) != 0) {
        return failure(file_error("cannot write " + escaped(path) + "/tmp", errno));
    }
    return {};
}

Expected<void> MaildirFiles::check_parent(const std::string& path) {
    const auto made = make_directories(path, "cannot use the directory " + escaped(path));
    return made ? Expected<void>() : failure(made.error());
}

}  // namespace postrider::sink
