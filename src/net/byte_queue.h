#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace postrider::net {

/// Bytes that come in at the back and leave at the front, both without moving what lies between.
/// An empty queue gives its memory back: thousands of idle connections hold next to nothing.
class ByteQueue {
  public:
    [[nodiscard]] std::string_view view() const {
        return std::string_view(bytes_).substr(consumed_);
    }
    [[nodiscard]] std::size_t size() const { return bytes_.size() - consumed_; }
    [[nodiscard]] bool empty() const { return size() == 0; }

    void append(std::string_view bytes);
    void consume(std::size_t count);
    void clear();

    /// For tests: memory held.
    [[nodiscard]] std::size_t capacity() const { return bytes_.capacity(); }

  private:
    /// An empty queue keeps so much, for the short lines of a dialogue.
    static constexpr std::size_t kKeptCapacity = 1024;

    std::string bytes_;
    std::size_t consumed_ = 0;
};

}  // namespace postrider::net
