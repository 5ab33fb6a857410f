#include "postrider/base/out_of_memory.h"

#include <new>

#include "postrider/base/assert.h"

namespace postrider {

void out_of_memory() {
    if (const std::new_handler handler = std::get_new_handler(); handler != nullptr) {
        handler();
    }
    assertion_failed("there is memory", __FILE__, __LINE__);
}

}  // namespace postrider
