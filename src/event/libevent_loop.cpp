// The loop of the program on libevent: readiness, signals and the waiting come from an event_base
// of its own; timers and deferred work are ours, so that their order is that of the simulator.
//
// A turn: take the work that was deferred so far - wait for readiness and serve it - run the work
// taken - fire the timers that were armed before the turn. The event_base is touched by the loop's
// thread alone, hence without libevent's locks; other threads only reach the queue of post() and
// the eventfd that ends the waiting.
#include <algorithm>
#include <chrono>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <vector>

#include <event2/event.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "postrider/base/assert.h"
#include "postrider/base/out_of_memory.h"
#include "postrider/event/libevent_base.h"
#include "postrider/event/loop.h"

#include "event/timer_queue.h"

namespace postrider::event {
namespace {

using Work = std::function<void()>;

struct FreeEvent {
    void operator()(::event* e) const { event_free(e); }
};
using EventPtr = std::unique_ptr<::event, FreeEvent>;

struct FreeBase {
    void operator()(event_base* base) const { event_base_free(base); }
};
using BasePtr = std::unique_ptr<event_base, FreeBase>;

BasePtr make_base() {
    using FreeConfig = decltype([](event_config* config) { event_config_free(config); });
    const std::unique_ptr<event_config, FreeConfig> config(event_config_new());
    if (config == nullptr || event_config_set_flag(config.get(), EVENT_BASE_FLAG_NOLOCK) != 0) {
        throw std::runtime_error("libevent: no configuration");
    }
    BasePtr base(event_base_new_with_config(config.get()));
    if (base == nullptr) {
        throw std::runtime_error("libevent: no event base");
    }
    return base;
}

MonotonicTime read_clock() {
    return MonotonicTime(
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

WallTime read_wall_clock() {
    return std::chrono::time_point_cast<WallTime::duration>(std::chrono::system_clock::now());
}

timeval to_timeval(Duration duration) {
    // Rounded up: a wait that ends early costs a turn for nothing.
    const auto micros = std::chrono::ceil<std::chrono::microseconds>(duration).count();
    timeval value{};
    value.tv_sec = micros / 1'000'000;
    value.tv_usec = micros % 1'000'000;
    return value;
}

short to_events(Interest interest) {
    switch (interest) {
        case Interest::none:
            return 0;
        case Interest::read:
            return EV_READ;
        case Interest::write:
            return EV_WRITE;
        case Interest::read_write:
            return EV_READ | EV_WRITE;
    }
    POSTRIDER_ASSERT(false);
}

/// The eventfd through which post() ends the loop's waiting.
class WakeFd {
  public:
    WakeFd() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
        if (fd_ < 0) {
            throw std::runtime_error("eventfd: cannot be made");
        }
    }
    WakeFd(const WakeFd&) = delete;
    WakeFd& operator=(const WakeFd&) = delete;
    ~WakeFd() { ::close(fd_); }

    [[nodiscard]] int fd() const { return fd_; }

    void ring() const {
        const eventfd_t one = 1;
        ::eventfd_write(fd_, one);  // can only fail when it is rung already
    }
    void quiet() const {
        eventfd_t ignored = 0;
        ::eventfd_read(fd_, &ignored);
    }

  private:
    int fd_;
};

class LibeventLoop final : public Loop {
  public:
    LibeventLoop();
    LibeventLoop(const LibeventLoop&) = delete;
    LibeventLoop& operator=(const LibeventLoop&) = delete;
    ~LibeventLoop() override;

    [[nodiscard]] MonotonicTime now() const override;
    [[nodiscard]] WallTime wall_now() const override;
    [[nodiscard]] std::unique_ptr<Timer> make_timer(Work on_fire) override;
    [[nodiscard]] std::unique_ptr<FdWatch> watch_fd(
        int fd, Interest interest, std::function<void(Readiness)> on_ready) override;
    [[nodiscard]] std::unique_ptr<Operation> watch_signal(int signal_number,
                                                          Work on_signal) override;
    void defer(Work work) override;
    void post(Work work) override;
    void run() override;
    void stop() override { stopping_ = true; }

    [[nodiscard]] event_base* base() const { return base_.get(); }

  private:
    class Watch;
    class SignalWatch;

    void run_turn();
    void wait(bool has_work);
    void aim_tick();
    [[nodiscard]] std::vector<Work> take_work();

    /// First thing in every callback out of libevent: the turn's time is read once.
    void begin_callbacks();
    void read_clocks();

    BasePtr base_;
    WakeFd wake_;
    EventPtr wake_event_;
    EventPtr tick_event_;                         ///< ends the waiting for the earliest timer
    std::optional<MonotonicTime> tick_aimed_at_;  ///< what tick_event_ is set for

    MonotonicTime now_;
    WallTime wall_now_;
    bool clocks_are_read_ = false;
    bool is_running_ = false;
    bool stopping_ = false;

    TimerQueue timers_;

    std::mutex mutex_;
    std::vector<Work> work_;  ///< guarded by mutex_
};

class LibeventLoop::Watch final : public FdWatch {
  public:
    Watch(LibeventLoop& loop, int fd, Interest interest, std::function<void(Readiness)> on_ready)
        : loop_(loop),
          on_ready_(std::make_shared<std::function<void(Readiness)>>(std::move(on_ready))),
          event_(event_new(loop.base_.get(), fd, EV_PERSIST, &Watch::on_event, this)),
          fd_(fd) {
        if (event_ == nullptr) {
            out_of_memory();
        }
        set_interest(interest);
    }

    void set_interest(Interest interest) override {
        if (interest == interest_) {
            return;
        }
        event_del(event_.get());
        interest_ = interest;
        if (interest == Interest::none) {
            return;
        }
        const auto events = static_cast<short>(EV_PERSIST | to_events(interest));
        const int assigned =
            event_assign(event_.get(), loop_.base_.get(), fd_, events, &Watch::on_event, this);
        POSTRIDER_ASSERT(assigned == 0);
        if (event_add(event_.get(), nullptr) != 0) {
            out_of_memory();
        }
    }

  private:
    static void on_event(evutil_socket_t /*fd*/, short events, void* self) {
        auto* watch = static_cast<Watch*>(self);
        watch->loop_.begin_callbacks();
        const auto on_ready = watch->on_ready_;  // the callback may destroy the watch
        (*on_ready)({(events & EV_READ) != 0, (events & EV_WRITE) != 0});
    }

    LibeventLoop& loop_;
    std::shared_ptr<std::function<void(Readiness)>> on_ready_;
    EventPtr event_;
    int fd_;
    Interest interest_ = Interest::none;
};

class LibeventLoop::SignalWatch final : public Operation {
  public:
    SignalWatch(LibeventLoop& loop, int signal_number, Work on_signal)
        : loop_(loop),
          on_signal_(std::make_shared<Work>(std::move(on_signal))),
          event_(evsignal_new(loop.base_.get(), signal_number, &SignalWatch::on_event, this)) {
        if (event_ == nullptr || event_add(event_.get(), nullptr) != 0) {
            out_of_memory();
        }
    }

  private:
    static void on_event(evutil_socket_t /*signal*/, short /*events*/, void* self) {
        auto* watch = static_cast<SignalWatch*>(self);
        watch->loop_.begin_callbacks();
        const auto on_signal = watch->on_signal_;  // the callback may destroy the watch
        (*on_signal)();
    }

    LibeventLoop& loop_;
    std::shared_ptr<Work> on_signal_;
    EventPtr event_;
};

LibeventLoop::LibeventLoop() : base_(make_base()), timers_([this] { return now(); }) {
    wake_event_.reset(event_new(
        base_.get(), wake_.fd(), EV_READ | EV_PERSIST,
        [](evutil_socket_t, short, void* self) { static_cast<LibeventLoop*>(self)->wake_.quiet(); },
        this));
    tick_event_.reset(evtimer_new(
        base_.get(),
        [](evutil_socket_t, short, void* self) {
            static_cast<LibeventLoop*>(self)->tick_aimed_at_.reset();
        },
        this));
    if (wake_event_ == nullptr || tick_event_ == nullptr ||
        event_add(wake_event_.get(), nullptr) != 0) {
        throw std::runtime_error("libevent: no events");
    }
}

LibeventLoop::~LibeventLoop() {
    // What work owns may defer again while it is destroyed; the loop is still whole here.
    while (!take_work().empty()) {
    }
}

MonotonicTime LibeventLoop::now() const {
    return is_running_ ? now_ : read_clock();
}

WallTime LibeventLoop::wall_now() const {
    return is_running_ ? wall_now_ : read_wall_clock();
}

std::unique_ptr<Timer> LibeventLoop::make_timer(Work on_fire) {
    return timers_.make_timer(std::move(on_fire));
}

std::unique_ptr<FdWatch> LibeventLoop::watch_fd(int fd, Interest interest,
                                                std::function<void(Readiness)> on_ready) {
    return std::make_unique<Watch>(*this, fd, interest, std::move(on_ready));
}

std::unique_ptr<Operation> LibeventLoop::watch_signal(int signal_number, Work on_signal) {
    return std::make_unique<SignalWatch>(*this, signal_number, std::move(on_signal));
}

void LibeventLoop::defer(Work work) {
    const std::lock_guard lock(mutex_);
    work_.push_back(std::move(work));
}

void LibeventLoop::post(Work work) {
    bool was_empty = false;
    {
        const std::lock_guard lock(mutex_);
        was_empty = work_.empty();
        work_.push_back(std::move(work));
    }
    // The loop waits only after it has seen an empty queue, so whoever made it non-empty has rung
    // already, or is the loop's own thread.
    if (was_empty) {
        wake_.ring();
    }
}

void LibeventLoop::run() {
    POSTRIDER_ASSERT(!is_running_);
    read_clocks();
    is_running_ = true;
    while (!stopping_) {
        run_turn();
    }
    for (const Work& work : take_work()) {
        work();
    }
    stopping_ = false;
    is_running_ = false;
}

void LibeventLoop::run_turn() {
    std::vector<Work> batch = take_work();
    const std::uint64_t barrier = timers_.barrier();
    wait(!batch.empty());
    begin_callbacks();
    for (Work& work : batch) {
        work();
        work = nullptr;
    }
    timers_.fire_due(now_, barrier);
}

void LibeventLoop::wait(bool has_work) {
    aim_tick();
    clocks_are_read_ = false;
    const int flags = has_work ? EVLOOP_ONCE | EVLOOP_NONBLOCK : EVLOOP_ONCE;
    const int result = event_base_loop(base_.get(), flags);
    POSTRIDER_ASSERT(result == 0);
}

void LibeventLoop::aim_tick() {
    const std::optional<MonotonicTime> earliest = timers_.earliest();
    if (earliest == tick_aimed_at_) {
        return;
    }
    tick_aimed_at_ = earliest;
    if (!earliest) {
        evtimer_del(tick_event_.get());
        return;
    }
    const timeval wait = to_timeval(std::max(*earliest - read_clock(), Duration::zero()));
    if (evtimer_add(tick_event_.get(), &wait) != 0) {
        out_of_memory();
    }
}

std::vector<Work> LibeventLoop::take_work() {
    std::vector<Work> taken;
    const std::lock_guard lock(mutex_);
    taken.swap(work_);
    return taken;
}

void LibeventLoop::begin_callbacks() {
    if (!clocks_are_read_) {
        read_clocks();
    }
}

void LibeventLoop::read_clocks() {
    now_ = read_clock();
    wall_now_ = read_wall_clock();
    clocks_are_read_ = true;
}

}  // namespace

::event_base* libevent_base(Loop& loop) {
    auto* const own = dynamic_cast<LibeventLoop*>(&loop);
    POSTRIDER_ASSERT(own != nullptr);
    return own->base();
}

std::unique_ptr<Loop> make_libevent_loop() {
    return std::make_unique<LibeventLoop>();
}

}  // namespace postrider::event
