#include "postrider/engine/scheduler.h"

#include <algorithm>
#include <ctime>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "postrider/base/assert.h"
#include "postrider/engine/jitter.h"
#include "postrider/engine/rhythm.h"

#include "engine/starting_line.h"

namespace postrider::engine {

namespace {

/// Whoever sleeps through quiet hours looks at the calendar so often: it may jump.
constexpr Duration kLookAtCalendar = std::chrono::minutes(10);

/// How often is looked for sluggish polls while others wait for their places.
constexpr Duration kLookForSluggish = std::chrono::seconds(5);

/// The time on the clock at the wall here.
Duration time_of_day(WallTime time) {
    const std::time_t seconds =
        std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(time));
    std::tm parts{};
    localtime_r(&seconds, &parts);
    return std::chrono::hours(parts.tm_hour) + std::chrono::minutes(parts.tm_min) +
           std::chrono::seconds(parts.tm_sec);
}

}  // namespace

class Scheduler::Machine {
  public:
    Machine(event::Loop& loop, const Limits& limits, std::uint64_t seed, Calls calls)
        : loop_(loop),
          calls_(std::move(calls)),
          jitter_(seed),
          limits_(limits),
          line_({limits.polls, limits.polls_per_host}),
          timer_(loop.make_timer([this] { tick(); })) {}

    void set_limits(const Limits& limits) {
        limits_ = limits;
        line_.set_limits({limits.polls, limits.polls_per_host});
        soon();
    }

    Id add(Pacing pacing) {
        const Id id = ++last_id_;
        Account& account = accounts_[id];
        account.pacing = std::move(pacing);
        wait_until(id, account, ramp(account.pacing));
        return id;
    }

    void change(Id id, Pacing pacing) {
        Account& account = accounts_.at(id);
        POSTRIDER_ASSERT(account.state != State::running);
        account.pacing = std::move(pacing);
        if (account.is_held_back) {
            account.next = soonest(account);
        } else if (account.state != State::paused) {
            leave(id, account);
            wait_until(id, account, soonest(account));
        }
    }

    void remove(Id id) {
        Account& account = accounts_.at(id);
        leave(id, account);
        accounts_.erase(id);
        soon();
    }

    void on_progress(Id id) {
        Account& account = accounts_.at(id);
        if (account.state == State::running) {
            account.has_shown_life = true;
            set_deadline(id, account);
        }
    }

    void ended(Id id, const Outcome& outcome) {
        Account& account = accounts_.at(id);
        POSTRIDER_ASSERT(account.state == State::running);
        const bool was_slow = loop_.now() - account.at >= kSluggishAfter;
        account.is_sluggish = was_slow && !account.has_shown_life;
        Outcome complete = outcome;
        complete.took = loop_.now() - account.at;
        account.ended_at = loop_.now();
        Duration wait = account.rhythm.after(complete, account.pacing, loop_.now(), jitter_);
        if (outcome.ending == Ending::destination && outcome.again_after) {
            wait += spread(account.pacing);  // all who wait for it come back at the same time
        }
        after_poll(id, account, loop_.now() + wait);
    }

    void interrupted(Id id) {
        Account& account = accounts_.at(id);
        POSTRIDER_ASSERT(account.state == State::running);
        account.ended_at = loop_.now();
        after_poll(id, account, soonest(account));
    }

    void poll_now(Id id) {
        Account& account = accounts_.at(id);
        if (account.is_held_back) {
            account.is_wanted = true;
            return;
        }
        switch (account.state) {
            case State::running:
                account.is_wanted = true;
                return;
            case State::paused:
            case State::due:
            case State::waiting:
            case State::asleep:
                leave(id, account);
                enter_line(id, account, kAtOnce);
        }
    }

    void pause(Id id) {
        Account& account = accounts_.at(id);
        account.is_paused = true;
        account.is_wanted = false;
        if (account.state != State::running) {
            leave(id, account);
            account.state = State::paused;
        }
    }

    void resume(Id id) {
        Account& account = accounts_.at(id);
        account.is_paused = false;
        if (account.state == State::paused) {
            account.next = soonest(account);
            settle(id, account);
        }
    }

    void hold_back(Id id) {
        Account& account = accounts_.at(id);
        POSTRIDER_ASSERT(!account.is_held_back);
        account.is_held_back = true;
        if (account.state == State::running) {
            return;
        }
        account.is_wanted = account.is_wanted || account.state == State::due;
        leave(id, account);
        account.next = account.at;
        settle(id, account);
    }

    void let_go(Id id) {
        Account& account = accounts_.at(id);
        account.is_held_back = false;
        if (account.state != State::running) {
            settle(id, account);
        }
    }

    void stop() {
        is_stopped_ = true;
        timer_->disarm();
    }

    [[nodiscard]] View view(Id id) const {
        const Account& account = accounts_.at(id);
        return {account.state, account.at, account.rhythm.interval(account.pacing),
                account.rhythm.failures(), account.rhythm.needs_attention()};
    }

    [[nodiscard]] Figures figures() const {
        return {accounts_.size(), line_.running(), line_.waiting()};
    }

  private:
    struct Account {
        Pacing pacing;
        Rhythm rhythm;
        State state = State::waiting;
        MonotonicTime at{};        ///< of View
        MonotonicTime deadline{};  ///< running: without progress up to then it is stuck
        MonotonicTime ended_at{};  ///< its last poll; zero: there was none
        MonotonicTime next{};      ///< held back: when it would be due
        bool is_paused = false;
        bool is_held_back = false;
        bool is_wanted = false;       ///< polled once more when this poll has ended
        bool has_shown_life = false;  ///< this poll
        bool is_sluggish = false;     ///< the last poll had to be waited for, in vain
    };
    using Timed = std::set<std::pair<MonotonicTime, Id>>;

    void after_poll(Id id, Account& account, MonotonicTime next) {
        leave(id, account);
        account.next = next;
        settle(id, account);
        soon();
    }

    /// Puts one that is in no queue where it belongs.
    void settle(Id id, Account& account) {
        if (account.is_held_back) {
            account.state = account.is_paused ? State::paused : State::due;
            account.at = loop_.now();
        } else if (std::exchange(account.is_wanted, false)) {
            enter_line(id, account, kAtOnce);
        } else if (account.is_paused) {
            account.state = State::paused;
        } else {
            wait_until(id, account, account.next);
        }
    }

    /// Before everything that is merely due.
    static constexpr MonotonicTime kAtOnce{};

    [[nodiscard]] static Duration step(std::uint32_t limit) {
        return kRampOver / std::max<std::int64_t>(limit, 1);
    }

    /// The next turn in which a first poll may start; within one interval, however many there are.
    [[nodiscard]] MonotonicTime ramp(const Pacing& pacing) {
        const MonotonicTime now = loop_.now();
        MonotonicTime& of_host = ramp_of_host_[pacing.host];
        const MonotonicTime turn = std::max({now, ramp_, of_host});
        if (turn - now > pacing.interval) {
            return now + jitter_.within(pacing.interval);
        }
        ramp_ = turn + step(limits_.polls);
        of_host = turn + step(limits_.polls_per_host);
        return turn;
    }

    /// The next turn, no sooner than the provider lets it come (P-026).
    [[nodiscard]] MonotonicTime soonest(const Account& account) {
        const MonotonicTime turn = ramp(account.pacing);
        if (account.ended_at == MonotonicTime{}) {
            return turn;
        }
        return std::max(turn, account.ended_at + account.rhythm.least(account.pacing));
    }

    /// How far apart they move who would otherwise all start at one moment.
    [[nodiscard]] Duration spread(const Pacing& pacing) {
        const Duration all = step(limits_.polls) * static_cast<std::int64_t>(accounts_.size());
        return jitter_.within(std::min(all, pacing.interval));
    }

    void wait_until(Id id, Account& account, MonotonicTime at, State state = State::waiting) {
        account.state = state;
        account.at = at;
        waiting_.emplace(at, id);
        arm();
    }

    void enter_line(Id id, Account& account, MonotonicTime due) {
        account.state = State::due;
        account.at = due == kAtOnce ? loop_.now() : due;
        line_.enter({id, due, account.pacing.host, account.pacing.mailbox, account.is_sluggish});
        soon();
    }

    /// Out of every queue.
    void leave(Id id, const Account& account) {
        waiting_.erase({account.at, id});
        deadlines_.erase({account.deadline, id});
        line_.leave(id);
    }

    void set_deadline(Id id, Account& account) {
        deadlines_.erase({account.deadline, id});
        account.deadline = loop_.now() + account.pacing.patience;
        deadlines_.emplace(account.deadline, id);
    }

    void soon() {
        is_soon_ = true;
        arm();
    }

    void arm() {
        if (is_stopped_) {
            return;
        }
        std::optional<MonotonicTime> next;
        if (is_soon_) {
            next = loop_.now();
        }
        const auto consider = [&next](MonotonicTime at) { next = std::min(next.value_or(at), at); };
        if (!waiting_.empty()) {
            consider(waiting_.begin()->first);
        }
        if (!deadlines_.empty()) {
            consider(deadlines_.begin()->first);
        }
        if (line_.is_full()) {
            consider(loop_.now() + kLookForSluggish);
        }
        if (next) {
            timer_->arm(std::max(*next - loop_.now(), Duration::zero()));
        }
    }

    void tick() {
        is_soon_ = false;
        take_due();
        give_up_stuck();
        give_up_sluggish();
        while (const auto id = is_stopped_ ? std::nullopt : line_.next()) {
            start(*id);
        }
        arm();
    }

    void take_due() {
        const MonotonicTime now = loop_.now();
        while (!waiting_.empty() && waiting_.begin()->first <= now) {
            const auto [due, id] = *waiting_.begin();
            Account& account = accounts_.at(id);
            waiting_.erase(waiting_.begin());
            const Duration quiet = quiet_for(account.pacing);
            if (quiet == Duration::zero()) {
                enter_line(id, account, due);
                continue;
            }
            const Duration rest = quiet + spread(account.pacing);
            wait_until(id, account, now + std::min(rest, kLookAtCalendar), State::asleep);
        }
    }

    [[nodiscard]] Duration quiet_for(const Pacing& pacing) const {
        return pacing.active ? pacing.active->wait_at(time_of_day(loop_.wall_now()))
                             : Duration::zero();
    }

    void start(Id id) {
        Account& account = accounts_.at(id);
        account.state = State::running;
        account.at = loop_.now();
        account.has_shown_life = false;
        set_deadline(id, account);
        calls_.start(id);
    }

    void give_up_stuck() {
        while (!deadlines_.empty() && deadlines_.begin()->first <= loop_.now()) {
            const Id id = deadlines_.begin()->second;
            deadlines_.erase(deadlines_.begin());
            calls_.give_up(id, Waste::stuck);
        }
    }

    /// Those who have shown nothing for a while may keep half of the places.
    void give_up_sluggish() {
        if (!line_.is_full()) {
            return;
        }
        std::vector<std::pair<MonotonicTime, Id>> silent;
        for (const auto& [deadline, id] : deadlines_) {
            const Account& account = accounts_.at(id);
            if (!account.has_shown_life && !account.is_sluggish &&
                loop_.now() - account.at >= kSluggishAfter) {
                silent.emplace_back(account.at, id);
            }
        }
        std::sort(silent.begin(), silent.end());
        std::size_t held = silent.size() + line_.sluggish_running();
        for (const auto& [since, id] : silent) {
            if (held-- <= line_.sluggish_places()) {
                break;
            }
            calls_.give_up(id, Waste::sluggish);
        }
    }

    event::Loop& loop_;
    Calls calls_;
    Jitter jitter_;
    Limits limits_;
    StartingLine line_;
    std::unordered_map<Id, Account> accounts_;
    Timed waiting_;    ///< waiting, asleep
    Timed deadlines_;  ///< running
    MonotonicTime ramp_{};
    std::unordered_map<std::string, MonotonicTime> ramp_of_host_;
    Id last_id_ = 0;
    bool is_soon_ = false;  ///< the line has changed: look at it on the next turn
    bool is_stopped_ = false;
    std::unique_ptr<event::Timer> timer_;
};

Scheduler::Scheduler(event::Loop& loop, const Limits& limits, std::uint64_t seed, Calls calls)
    : machine_(std::make_unique<Machine>(loop, limits, seed, std::move(calls))) {}

Scheduler::~Scheduler() = default;

void Scheduler::set_limits(const Limits& limits) {
    machine_->set_limits(limits);
}

Scheduler::Id Scheduler::add(Pacing pacing) {
    return machine_->add(std::move(pacing));
}

void Scheduler::change(Id id, Pacing pacing) {
    machine_->change(id, std::move(pacing));
}

void Scheduler::remove(Id id) {
    machine_->remove(id);
}

void Scheduler::on_progress(Id id) {
    machine_->on_progress(id);
}

void Scheduler::ended(Id id, const Outcome& outcome) {
    machine_->ended(id, outcome);
}

void Scheduler::poll_now(Id id) {
    machine_->poll_now(id);
}

void Scheduler::pause(Id id) {
    machine_->pause(id);
}

void Scheduler::resume(Id id) {
    machine_->resume(id);
}

void Scheduler::hold_back(Id id) {
    machine_->hold_back(id);
}

void Scheduler::let_go(Id id) {
    machine_->let_go(id);
}

void Scheduler::interrupted(Id id) {
    machine_->interrupted(id);
}

void Scheduler::stop() {
    machine_->stop();
}

Scheduler::View Scheduler::view(Id id) const {
    return machine_->view(id);
}

Scheduler::Figures Scheduler::figures() const {
    return machine_->figures();
}

}  // namespace postrider::engine
