#pragma once

#include <functional>
#include <thread>

namespace postrider::event {

/// Starts a thread that takes no signals: those are for the thread of the loop. Throws
/// std::system_error, whose text says that it was a thread that could not be made.
[[nodiscard]] std::thread start_thread(std::function<void()> body);

}  // namespace postrider::event
