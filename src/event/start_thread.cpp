#include "event/start_thread.h"

#include <csignal>
#include <system_error>
#include <utility>

namespace postrider::event {
namespace {

/// While it lives the calling thread takes no signals, nor do threads started meanwhile.
class SignalsBlocked {
  public:
    SignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  private:
    sigset_t before_{};
};

}  // namespace

std::thread start_thread(std::function<void()> body) {
    const SignalsBlocked inherited_by_the_thread;
    try {
        return std::thread(std::move(body));
    } catch (const std::system_error& error) {
        throw std::system_error(error.code(),
                                "the system makes no more threads; raise the limit of this user "
                                "(ulimit -u) or service (TasksMax)");
    }
}

}  // namespace postrider::event
