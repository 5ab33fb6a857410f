#include "postrider/base/file_handle.h"

#include <unistd.h>

namespace postrider {

FileHandle::~FileHandle() {
    if (descriptor_ >= 0) {
        ::close(descriptor_);
    }
}

}  // namespace postrider
