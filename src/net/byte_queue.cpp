#include "net/byte_queue.h"

#include "postrider/base/assert.h"

namespace postrider::net {

void ByteQueue::append(std::string_view bytes) {
    // Moving the rest to the front pays only when it is the smaller part: each byte is then moved
    // at most once for every byte consumed.
    if (consumed_ > 0 && consumed_ >= size()) {
        bytes_.erase(0, consumed_);
        consumed_ = 0;
    }
    bytes_ += bytes;
}

void ByteQueue::consume(std::size_t count) {
    POSTRIDER_ASSERT(count <= size());
    consumed_ += count;
    if (empty()) {
        clear();
    }
}

void ByteQueue::clear() {
    consumed_ = 0;
    bytes_.clear();
    if (bytes_.capacity() > kKeptCapacity) {
        bytes_.shrink_to_fit();
    }
}

}  // namespace postrider::net
