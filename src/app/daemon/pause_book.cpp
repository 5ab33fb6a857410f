#include "app/daemon/pause_book.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

#include "postrider/base/files.h"

namespace postrider::app {

namespace {

constexpr const char* kName = "paused";
constexpr std::size_t kLimit = 64UL * 1024 * 1024;

}  // namespace

Expected<PauseBook::Names> PauseBook::read(int directory) {
    const auto content =
        read_file(directory, kName, kLimit, "cannot read which accounts are paused");
    if (!content) {
        return failure(content.error());
    }
    Names names;
    std::string_view rest = *content ? std::string_view(**content) : std::string_view();
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        if (end > 0) {
            names.emplace(rest.substr(0, end));
        }
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return names;
}

void PauseBook::keep(Names names, Done done) {
    wanted_ = std::move(names);
    waiting_.push_back(std::move(done));
    if (writing_ == nullptr) {
        write();
    }
}

/// One at a time: the last word is what stays.
void PauseBook::write() {
    served_ = std::exchange(waiting_, {});
    std::string content;
    for (const std::string& name : wanted_) {
        content += name + "\n";
    }
    // Owners: the job, until it is done, and its completion.
    const auto result = std::make_shared<Expected<void>>();
    writing_ = worker_.run(
        [result, content = std::move(content), directory = directory_] {
            *result = replace_file(directory, kName, content,
                                   "cannot keep over a restart which accounts are paused");
        },
        [this, result] {
            loop_.defer_delete(std::move(writing_));
            const std::vector<Done> served = std::exchange(served_, {});
            if (!waiting_.empty()) {
                write();
            }
            for (const Done& done : served) {
                done(*result);
            }
        });
}

}  // namespace postrider::app
