#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "postrider/base/error.h"
#include "postrider/base/file_handle.h"
#include "postrider/store/held.h"

namespace postrider::store {

/// The directories of the held store and the order in which a copy gets there. Blocks; from any
/// thread.
///
/// Message and envelope are written under tmp/ and made durable, then renamed into place, the
/// envelope first: whoever sees a message finds its envelope. A crash before the end leaves files
/// in tmp/, which the next start removes, or an envelope alone, which the next attempt adopts: the
/// message is still on the POP3 server, for nothing was reported.
class HeldFiles {
  public:
    /// The next piece of the message, empty at the end; valid until the next call.
    using ReadPiece = std::function<Expected<std::string_view>()>;

    /// Makes what is missing and empties tmp/. `path` is for texts.
    [[nodiscard]] static Expected<std::unique_ptr<HeldFiles>> open(int state_dir, std::string path);

    /// Returns when the copy is durable. Holding the same delivery for other recipients adds an
    /// envelope to the one message.
    [[nodiscard]] Expected<void> hold(const HeldMessage& what, const ReadPiece& read_piece);

  private:
    struct Directories {
        FileHandle held;
        FileHandle tmp;
        FileHandle fresh;  ///< new/
        FileHandle cur;
    };
    HeldFiles(std::string path, Directories directories);

    [[nodiscard]] Expected<void> empty_tmp();
    [[nodiscard]] Expected<void> write_unfinished(const std::string& name,
                                                  const ReadPiece& read_piece);
    [[nodiscard]] Expected<void> publish_envelope(const std::string& unfinished,
                                                  const std::string& id, std::string_view envelope);
    [[nodiscard]] Expected<void> publish_message(const std::string& unfinished,
                                                 const std::string& id);
    /// Looks through new/ and, where a mail reader moves messages to, cur/.
    [[nodiscard]] Expected<bool> has_message(const std::string& id);
    [[nodiscard]] Expected<void> rename_durably(const std::string& unfinished, int directory,
                                                const std::string& name);

    const std::string path_;
    const Directories directories_;
    std::atomic<std::uint64_t> begun_ = 0;  ///< tells apart what lies under tmp/
    std::mutex publishing_;                 ///< two copies of one delivery must not choose one name
};

}  // namespace postrider::store
