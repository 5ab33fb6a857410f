#pragma once

namespace postrider {

/// Where a C library says that it has no memory: does what operator new would do, which is to call
/// the handler of std::set_new_handler. Never returns.
[[noreturn]] void out_of_memory();

}  // namespace postrider
