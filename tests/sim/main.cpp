// postrider-sim: runs seeds, tells what they came to, replays and shortens one that fails.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "postrider/base/text.h"

#include "sim/planted.h"
#include "sim/run.h"

namespace postrider::sim {
namespace {

constexpr const char* kUsage =
    "usage: postrider-sim [--first SEED] [--seeds N]   run N seeds from SEED on\n"
    "       postrider-sim --seed SEED [--trace]        run one; if it fails, leave out what "
    "faults\n"
    "                                                  it can do without, and show what is left\n"
    "       postrider-sim --first SEED --seeds N --twice   run each twice and compare\n"
    "       postrider-sim --list FILE                  run those that begin the lines of FILE\n"
    "       postrider-sim --faults                     name the faults that --fault NAME plants,\n"
    "                                                  in a build that can (tests/sim/mutations)\n";

struct Options {
    std::uint64_t first = 1;
    std::uint64_t seeds = 1000;
    std::optional<std::uint64_t> only;
    std::vector<std::uint64_t> listed;  ///< in place of first and seeds
    bool tells_faults = false;
    bool is_traced = false;
    bool is_twice = false;
};

/// The numbers that begin the lines of a file; other lines are for people.
std::vector<std::uint64_t> seeds_in(const std::string& path) {
    std::vector<std::uint64_t> seeds;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        std::string_view rest = line;
        if (const auto seed = parse_unsigned(next_word(rest))) {
            seeds.push_back(*seed);
        }
    }
    return seeds;
}

/// False: there is no such option, or not with this value.
bool take(Options& options, std::string_view name, const char* value) {
    if (name == "--fault") {
        return plant(value);
    }
    if (name == "--list") {
        options.listed = seeds_in(value);
        return !options.listed.empty();
    }
    const auto number = parse_unsigned(value);
    if (!number) {
        return false;
    }
    if (name == "--first") {
        options.first = *number;
    } else if (name == "--seeds") {
        options.seeds = *number;
    } else if (name == "--seed") {
        options.only = *number;
    } else {
        return false;
    }
    return true;
}

std::optional<Options> parse(int count, char** words) {
    Options options;
    for (int i = 1; i < count; ++i) {
        const std::string_view word = words[i];
        if (word == "--trace") {
            options.is_traced = true;
        } else if (word == "--twice") {
            options.is_twice = true;
        } else if (word == "--faults") {
            options.tells_faults = true;
        } else if (i + 1 == count || !take(options, word, words[++i])) {
            return std::nullopt;
        }
    }
    return options;
}

/// The sums of many runs.
struct Totals {
    std::uint64_t seeds = 0;
    RunResult sum;

    void add(const RunResult& one) {
        ++seeds;
        sum.sessions += one.sessions;
        sum.messages += one.messages;
        sum.kills += one.kills;
        sum.power_cuts += one.power_cuts;
        sum.disconnects += one.disconnects;
        sum.ambiguous += one.ambiguous;
        for (std::size_t i = 0; i < kExcuses; ++i) {
            sum.duplicates.at(i) += one.duplicates.at(i);
        }
    }

    void print(double seconds) const {
        const auto& d = sum.duplicates;
        fmt::print(
            "{} seeds, {} sessions, {} messages\n"
            "{} process kills, {} power cuts, {} disconnects, {} ambiguous outcomes\n"
            "duplicates: {} by disconnects, {} by kills, {} by power cuts, {} by a failing disk; "
            "{} by new UIDs or sizes, {} by a day's absence, {} by a lost ledger\n"
            "{:.1f} s, {:.0f} sessions/s\n",
            seeds, sum.sessions, sum.messages, sum.kills, sum.power_cuts, sum.disconnects,
            sum.ambiguous, d[0], d[1], d[2], d[3], d[4], d[5], d[6], seconds,
            static_cast<double>(sum.sessions) / seconds);
    }
};

std::string in_words(const std::set<FaultId>& faults) {
    std::string text;
    for (const FaultId& fault : faults) {
        text += fmt::format(" {}#{}", to_text(fault.fault), fault.occasion);
    }
    return text.empty() ? " none" : text;
}

/// The faults that a failing seed needs to fail.
std::set<FaultId> needed_faults(std::uint64_t seed, const RunResult& failed,
                                std::set<FaultId>& left_out) {
    for (std::size_t half = (failed.faults.size() + 1) / 2; half > 0; half /= 2) {
        // Many at a time first.
        for (std::size_t at = 0; at < failed.faults.size(); at += half) {
            std::set<FaultId> fewer = left_out;
            for (std::size_t i = at; i < std::min(at + half, failed.faults.size()); ++i) {
                fewer.insert(failed.faults[i]);
            }
            if (run(seed, fewer, Trace::Mode::off).violation) {
                left_out = std::move(fewer);
            }
        }
    }
    const RunResult shortened = run(seed, left_out, Trace::Mode::off);
    return {shortened.faults.begin(), shortened.faults.end()};
}

/// The seed that runs, for who has to say which one ended this program.
std::atomic<std::uint64_t> running_seed = 0;

/// Async-signal-safe.
void on_abort(int /*signal*/) {
    std::array<char, 64> text{};
    std::size_t begin = text.size();
    text[--begin] = '\n';
    for (std::uint64_t rest = running_seed; rest > 0; rest /= 10) {
        text[--begin] = static_cast<char>('0' + rest % 10);
    }
    for (const char letter : {' ', 'd', 'e', 'e', 's'}) {
        text[--begin] = letter;
    }
    static_cast<void>(::write(STDERR_FILENO, text.data() + begin, text.size() - begin) == 0);
}

int run_one(const Options& options) {
    const std::uint64_t seed = *options.only;
    const Trace::Mode tracing = options.is_traced ? Trace::Mode::printed : Trace::Mode::off;
    const RunResult result = run(seed, {}, tracing);
    if (!result.violation) {
        fmt::print("seed {} holds\n", seed);
        return EXIT_SUCCESS;
    }
    fmt::print("seed {} of commit {} fails: {}\n", seed, POSTRIDER_COMMIT, *result.violation);
    std::set<FaultId> left_out;
    const std::set<FaultId> needed = needed_faults(seed, result, left_out);
    fmt::print("\nwith these faults only:{}\n", in_words(needed));
    const RunResult shortened = run(seed, left_out, tracing);
    fmt::print("{}\n", shortened.violation.value_or("it holds"));
    return EXIT_FAILURE;
}

/// The end of the trace, for a first look.
std::string last_lines(const std::string& trace, int count) {
    std::size_t begin = trace.size();
    while (count-- > 0 && begin != 0 && begin != std::string::npos) {
        begin = trace.rfind('\n', begin - 2);
    }
    return trace.substr(begin == std::string::npos ? 0 : begin + 1);
}

int run_many(const Options& options) {
    const auto started = std::chrono::steady_clock::now();
    Totals totals;
    int exit_code = EXIT_SUCCESS;
    const std::uint64_t count = options.listed.empty() ? options.seeds : options.listed.size();
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t seed = options.listed.empty() ? options.first + i : options.listed[i];
        running_seed = seed;
        const RunResult result =
            run(seed, {}, options.is_twice ? Trace::Mode::kept : Trace::Mode::off);
        totals.add(result);
        if (result.violation) {
            exit_code = EXIT_FAILURE;
            fmt::print("seed {} of commit {} fails: {}\n{}", seed, POSTRIDER_COMMIT,
                       *result.violation, last_lines(run(seed, {}, Trace::Mode::kept).trace, 25));
            break;
        }
        if (options.is_twice && run(seed, {}, Trace::Mode::kept).trace != result.trace) {
            exit_code = EXIT_FAILURE;
            fmt::print("seed {} ran twice, and not the same\n", seed);
            break;
        }
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
    totals.print(took.count());
    return exit_code;
}

}  // namespace
}  // namespace postrider::sim

int main(int count, char** words) {
    const auto options = postrider::sim::parse(count, words);
    if (!options) {
        fmt::print(stderr, "{}", postrider::sim::kUsage);
        return 64;
    }
    // An assertion that fails, or a sanitizer with abort_on_error=1.
    std::signal(SIGABRT, postrider::sim::on_abort);
    if (options->tells_faults) {
        for (const auto& fault : postrider::sim::planted_faults()) {
            fmt::print("{} {}\n", fault.name, fault.what);
        }
        return EXIT_SUCCESS;
    }
    return options->only ? postrider::sim::run_one(*options) : postrider::sim::run_many(*options);
}
