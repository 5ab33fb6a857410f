#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "postrider/base/error.h"

namespace postrider::sink {

/// Which deliveries of ours lie in which Maildir: what makes a redelivery after a crash find its
/// first copy, also in cur/, where mail readers move and rename it. A Maildir is looked through
/// when it is first used, and after that known: nobody else puts our names there. From any thread.
class MaildirIndex {
  public:
    /// Deliveries that are remembered, eight octets each, over all Maildirs; beyond it the one that
    /// was not used for longest is forgotten, and looked through again when it is needed.
    static constexpr std::size_t kRemembered = 1'000'000;

    explicit MaildirIndex(std::size_t remembered = kRemembered) : limit_(remembered) {}

    /// `maildir` is open at `path`. Errors: io, config.
    [[nodiscard]] Expected<bool> contains(int maildir, const std::string& path,
                                          const std::string& delivery_id);
    /// After contains() for the same path.
    void add(const std::string& path, const std::string& delivery_id);

  private:
    struct Known {
        std::vector<std::uint64_t> ids;  ///< the first half of each, sorted
        std::uint64_t last_used = 0;
    };

    void forget_some(const std::string& except);

    const std::size_t limit_;
    std::mutex mutex_;
    std::map<std::string, Known> known_;  ///< guarded by mutex_, as all below
    std::size_t remembered_ = 0;
    std::uint64_t uses_ = 0;
};

/// "<seconds>.<delivery id>.postrider": sorted by when the server got the message, and always the
/// same for the same delivery.
[[nodiscard]] std::string maildir_name(std::int64_t seconds, std::string_view delivery_id);

/// The first half of the delivery id in a file name of ours, whatever a mail reader has put behind
/// it (":2,S"); nothing for other names.
[[nodiscard]] std::optional<std::uint64_t> id_in_maildir_name(std::string_view name);

}  // namespace postrider::sink
