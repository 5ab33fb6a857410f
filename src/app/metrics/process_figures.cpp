#include "app/metrics/process_figures.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

#include <sys/resource.h>
#include <sys/time.h>

#include "postrider/base/text.h"

namespace postrider::app {

namespace {

double seconds(const timeval& time) {
    const auto whole = std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
    return std::chrono::duration<double>(whole).count();
}

std::uint64_t entries_of(const char* directory) {
    std::error_code error;
    const std::filesystem::directory_iterator entries(directory, error);
    return error ? 0 : static_cast<std::uint64_t>(std::distance(begin(entries), end(entries)));
}

/// The number behind "Name:" in /proc/self/status.
std::uint64_t status_value(std::string_view name) {
    std::ifstream file("/proc/self/status");
    for (std::string line; std::getline(file, line);) {
        std::string_view rest = line;
        if (rest.starts_with(name)) {
            rest.remove_prefix(name.size());
            return parse_unsigned(next_word(rest)).value_or(0);
        }
    }
    return 0;
}

}  // namespace

ProcessFigures ProcessFigures::now() {
    ProcessFigures figures;
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    figures.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    constexpr std::uint64_t kKibi = 1024;
    figures.resident_octets = status_value("VmRSS:") * kKibi;
    figures.threads = status_value("Threads:");
    figures.open_files = entries_of("/proc/self/fd");
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
        figures.max_files = files.rlim_cur;
    }
    return figures;
}

}  // namespace postrider::app
