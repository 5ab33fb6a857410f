#include "app/commands/progress.h"

#include <algorithm>
#include <iostream>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "postrider/base/text.h"

#include "app/commands/told.h"

namespace postrider::app {

namespace {

constexpr Duration kRedrawEvery = std::chrono::milliseconds(200);
constexpr std::size_t kBar = 20;

winsize terminal_size() {
    winsize size{};
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
        size.ws_col = 80;
        size.ws_row = 24;
    }
    return size;
}

std::string remaining_text(std::size_t done, std::size_t total, double rate) {
    if (done >= total || rate <= 0) {
        return "";
    }
    const auto seconds = static_cast<std::int64_t>(static_cast<double>(total - done) / rate) + 1;
    return fmt::format(", {} left", to_text(std::chrono::seconds(seconds)));
}

}  // namespace

std::string progress_line(const engine::PollReport& report, Duration elapsed, std::size_t columns) {
    std::string text;
    if (report.listed == 0 && report.to_fetch == 0) {
        text = fmt::format("{:<16} connecting", report.account);
    } else {
        const std::size_t total = report.to_fetch;
        const std::size_t done =
            std::min(total, report.delivered + report.held + report.put_off + report.fetch_refused);
        const std::size_t filled = total == 0 ? kBar : done * kBar / total;
        const double seconds = std::max(std::chrono::duration<double>(elapsed).count(), 0.001);
        const double rate = static_cast<double>(done) / seconds;
        text = fmt::format("{:<16} [{}{}] {}/{} messages, {}, {:.0f}/s{}", report.account,
                           std::string(filled, '#'), std::string(kBar - filled, '.'), done, total,
                           human_bytes(report.fetched_octets), rate,
                           remaining_text(done, total, rate));
    }
    return text.substr(0, columns);
}

Progress::Progress(event::Loop& loop, bool is_terminal)
    : loop_(loop), is_terminal_(is_terminal), tick_(loop.make_timer([this] { redraw(); })) {
    if (is_terminal_) {
        tick_->arm(kRedrawEvery);
    }
}

Progress::~Progress() {
    clear();
}

void Progress::update(const engine::PollReport& report) {
    const auto [line, is_new] = lines_.try_emplace(report.account);
    line->second.report = report;
    if (is_new) {
        line->second.since = loop_.now();
    }
}

void Progress::finished(const engine::PollReport& report) {
    clear();
    lines_.erase(report.account);
    tell(summary(report));
}

void Progress::redraw() {
    clear();
    const winsize size = terminal_size();
    const std::size_t room = size.ws_row > 2U ? size.ws_row - 2U : 1U;
    std::string screen;
    for (const auto& [account, line] : lines_) {
        if (drawn_ + 1 >= room && lines_.size() > room) {
            screen += fmt::format("... and {} more accounts\n", lines_.size() - drawn_);
            ++drawn_;
            break;
        }
        screen += progress_line(line.report, loop_.now() - line.since, size.ws_col - 1U) + "\n";
        ++drawn_;
    }
    std::cerr << screen << std::flush;
    tick_->arm(kRedrawEvery);
}

void Progress::clear() {
    if (drawn_ > 0) {
        // Up to the first of our lines, then erase to the end of the screen (ECMA-48 CPL, ED).
        std::cerr << fmt::format("\x1b[{}F\x1b[J", drawn_) << std::flush;
        drawn_ = 0;
    }
}

}  // namespace postrider::app
