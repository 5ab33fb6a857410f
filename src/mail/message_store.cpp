#include "mail/message_store.h"

#include <algorithm>
#include <utility>

namespace postrider::mail {
namespace {

class MemoryBody final : public Message::Body {
  public:
    explicit MemoryBody(std::string octets) : octets_(std::move(octets)) {}

    [[nodiscard]] Expected<void> read(std::uint64_t offset, std::span<char> into) const override {
        octets_.copy(into.data(), into.size(), offset);
        return {};
    }

  private:
    std::string octets_;
};

class FileBody final : public Message::Body {
  public:
    explicit FileBody(SpoolFile file) : file_(std::move(file)) {}

    [[nodiscard]] Expected<void> read(std::uint64_t offset, std::span<char> into) const override {
        return file_.read(offset, into);
    }

  private:
    SpoolFile file_;
};

/// Many small messages wait in memory at once: what growing left over is given back, unless it is
/// too little to be worth a copy.
void shrink(std::string& octets) {
    const std::size_t slack = octets.capacity() - octets.size();
    if (slack > 64 + octets.size() / 16) octets.shrink_to_fit();
}

}  // namespace

MessageStore::MessageStore(Spool spool) : spool_(std::move(spool)) {}

Expected<void> MessageStore::put(std::string_view octets) {
    size_ += octets.size();
    if (!file_) {
        if (octets.size() <= spool_.memory_limit - buffer_.size()) {
            keep(octets);
            return {};
        }
        if (auto spilled = spill(); !spilled) return spilled;
    }
    if (octets.size() > kWriteBehind - buffer_.size()) {
        if (auto written = write_behind(); !written) return written;
        if (octets.size() >= kWriteBehind) return write(octets);
    }
    buffer_.append(octets);
    return {};
}

/// Grows the buffer by doubling, but never beyond the limit.
void MessageStore::keep(std::string_view octets) {
    const std::size_t needed = buffer_.size() + octets.size();
    if (needed > buffer_.capacity()) {
        buffer_.reserve(std::min(std::max(needed, 2 * buffer_.capacity()), spool_.memory_limit));
    }
    buffer_.append(octets);
}

Expected<void> MessageStore::spill() {
    auto file = SpoolFile::create(spool_.directory);
    if (!file) return failure(std::move(file.error()));
    file_.emplace(std::move(*file));
    if (auto written = write(buffer_); !written) return written;
    buffer_ = std::string();  // gives the memory back, as clear() would not
    buffer_.reserve(kWriteBehind);
    return {};
}

Expected<void> MessageStore::write(std::string_view octets) {
    hash_.add(octets);
    return file_->write(octets);
}

Expected<void> MessageStore::write_behind() {
    auto written = write(buffer_);
    buffer_.clear();
    return written;
}

Expected<MessageStore::Stored> MessageStore::finish() {
    if (file_) {
        if (auto written = write_behind(); !written) return failure(std::move(written.error()));
        return Stored{std::make_unique<FileBody>(std::move(*file_)), hash_.finish()};
    }
    hash_.add(buffer_);
    shrink(buffer_);
    return Stored{std::make_unique<MemoryBody>(std::move(buffer_)), hash_.finish()};
}

}  // namespace postrider::mail
