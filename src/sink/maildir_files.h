#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>

#include "postrider/base/error.h"
#include "postrider/base/file_handle.h"

#include "sink/local_content.h"
#include "sink/maildir_index.h"

namespace postrider::sink {

/// A message under tmp/ of a Maildir, whole and durable, that has not appeared in new/. It is gone
/// with this object unless it was published. Blocks.
class UnpublishedMail {
  public:
    UnpublishedMail(FileHandle tmp, FileHandle fresh, std::string unfinished, std::string name);
    UnpublishedMail(UnpublishedMail&& other) noexcept;
    UnpublishedMail& operator=(UnpublishedMail&&) = delete;
    UnpublishedMail(const UnpublishedMail&) = delete;
    UnpublishedMail& operator=(const UnpublishedMail&) = delete;
    ~UnpublishedMail();

    /// At once, and never over another message: it appears in new/. False if one of its name was
    /// there. Not durable yet.
    [[nodiscard]] Expected<bool> appear(const std::string& what);
    [[nodiscard]] int fresh() const { return fresh_.get(); }

  private:
    [[nodiscard]] bool link(int& error_number) const;

    FileHandle tmp_;
    FileHandle fresh_;
    std::string unfinished_;  ///< its name in tmp/; empty: moved to another object
    std::string name_;        ///< its name in new/
};

/// What a Maildir destination does with directories and files. Blocks; from any thread.
///
///   tmp/<name>.<process>.<n> --fsync--> new/<name> --fsync of the directory--> delivered
///
/// A crash before the rename leaves a file in tmp/, which the next attempt for the same message
/// removes; a crash after it leaves the message, which the next attempt finds by its delivery id.
class MaildirFiles {
  public:
    /// `process` tells our files in tmp/ from what an earlier process left there.
    explicit MaildirFiles(std::string process) : process_(std::move(process)) {}

    /// Makes the Maildir if there is none and writes the message under tmp/. Nothing: the message
    /// is there already, durably. Errors: io, config.
    [[nodiscard]] Expected<std::optional<UnpublishedMail>> write(const std::string& path,
                                                                 const std::string& name,
                                                                 const std::string& delivery_id,
                                                                 LocalContent& content);

    /// Lets the message appear, durably. Errors: io; it may have appeared all the same, and the
    /// next write() then finds it.
    [[nodiscard]] Expected<void> publish(const std::string& path, const std::string& delivery_id,
                                         UnpublishedMail& mail);

    /// Could mail be delivered there? Makes what is missing. Errors: io, config.
    [[nodiscard]] Expected<void> check_maildir(const std::string& path);
    /// Could Maildirs be made below it? Makes what is missing. Errors: io, config.
    [[nodiscard]] static Expected<void> check_parent(const std::string& path);

  private:
    struct Maildir {
        FileHandle self;
        FileHandle tmp;
        FileHandle fresh;  ///< new/
    };
    [[nodiscard]] Expected<Maildir> open(const std::string& path);
    [[nodiscard]] bool is_safe(const std::string& path);
    void note_safe(const std::string& path, bool is_safe);
    [[nodiscard]] Expected<void> remove_leftovers(const Maildir& maildir, const std::string& path,
                                                  const std::string& name) const;

    const std::string process_;
    std::atomic<std::uint64_t> begun_ = 0;
    MaildirIndex index_;
    std::mutex mutex_;
    std::unordered_set<std::string> safe_;  ///< Maildirs that a power cut leaves where they are
};

}  // namespace postrider::sink
