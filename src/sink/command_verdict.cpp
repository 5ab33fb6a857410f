#include "sink/command_verdict.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "postrider/base/process.h"
#include "postrider/base/text.h"

namespace postrider::sink {

namespace {

struct Meaning {
    int status;
    Outcome outcome;
    std::string_view enhanced;  ///< RFC 3463
    std::string_view words;
};

constexpr std::array<Meaning, 15> kMeanings = {{
    {EX_USAGE, Outcome::later, "4.3.5", "usage"},
    {EX_DATAERR, Outcome::refused, "5.6.0", "data format"},
    {EX_NOINPUT, Outcome::later, "4.3.0", "no input"},
    {EX_NOUSER, Outcome::refused, "5.1.1", "no such user"},
    {EX_NOHOST, Outcome::refused, "5.1.2", "no such host"},
    {EX_UNAVAILABLE, Outcome::refused, "5.3.0", "unavailable"},
    {EX_SOFTWARE, Outcome::later, "4.3.0", "software"},
    {EX_OSERR, Outcome::later, "4.3.0", "system"},
    {EX_OSFILE, Outcome::later, "4.3.0", "system file"},
    {EX_CANTCREAT, Outcome::later, "4.2.0", "cannot create"},
    {EX_IOERR, Outcome::later, "4.3.0", "input or output"},
    {EX_TEMPFAIL, Outcome::later, "4.3.0", "not now"},
    {EX_PROTOCOL, Outcome::later, "4.5.0", "protocol"},
    {EX_NOPERM, Outcome::refused, "5.7.0", "no permission"},
    {EX_CONFIG, Outcome::later, "4.3.5", "configuration"},
}};

}  // namespace

Verdict verdict_of_exit(int wait_status, std::string_view complaint) {
    Verdict verdict;
    const std::string words = first_words(complaint);
    const std::string end = end_in_words(wait_status);
    if (end.empty()) {
        verdict.outcome = Outcome::delivered;
        verdict.text = words;
        return verdict;
    }
    verdict.text = end;
    const auto meaning =
        std::find_if(kMeanings.begin(), kMeanings.end(), [wait_status](const Meaning& known) {
            return WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == known.status;
        });
    if (meaning != kMeanings.end()) {
        verdict.outcome = meaning->outcome;
        verdict.enhanced = meaning->enhanced;
        verdict.text += fmt::format(" ({})", meaning->words);
    }
    if (!words.empty()) {
        verdict.text += ", saying: " + words;
    }
    return verdict;
}

std::string first_words(std::string_view complaint) {
    complaint = trimmed(complaint);
    return escaped(trimmed(complaint.substr(0, complaint.find('\n'))));
}

}  // namespace postrider::sink
