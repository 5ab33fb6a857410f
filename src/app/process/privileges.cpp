#include "app/process/privileges.h"

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "postrider/base/files.h"

#include "app/process/sandbox.h"

namespace postrider::app {

namespace {

/// Does not follow what somebody else may have put there: what is there is left to StateDir.
Expected<void> make_state_directory(const std::string& path, const passwd& user) {
    if (::mkdir(path.c_str(), S_IRWXU) != 0) {
        return {};  // it is there, or StateDir says why it cannot be
    }
    if (::lchown(path.c_str(), user.pw_uid, user.pw_gid) != 0) {
        return failure(
            file_error("cannot give the state directory " + path + " to its user", errno));
    }
    return {};
}

bool drop_to(const passwd& user) {
    return ::initgroups(user.pw_name, user.pw_gid) == 0 &&
           ::setresgid(user.pw_gid, user.pw_gid, user.pw_gid) == 0 &&
           ::setresuid(user.pw_uid, user.pw_uid, user.pw_uid) == 0 && ::setuid(0) != 0;
}

}  // namespace

void keep_to_itself() {
    const rlimit no_core{};
    ::setrlimit(RLIMIT_CORE, &no_core);
    if (!kIsInspected) {
        ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    }
}

Expected<void> become_user(const config::Config& config) {
    const std::string& name = config.privileges.user;
    if (name.empty()) {
        return {};
    }
    errno = 0;
    const passwd* const user =
        ::getpwnam(name.c_str());  // NOLINT(concurrency-mt-unsafe): one thread
    if (user == nullptr) {
        return failure(Errc::config, Retry::never, fmt::format("user: there is no user {}", name));
    }
    if (::geteuid() == user->pw_uid) {
        return {};
    }
    if (::geteuid() != 0) {
        return failure(
            Errc::config, Retry::never,
            fmt::format("user: only root can become {}; this is user {}", name, ::geteuid()));
    }
    if (auto made = make_state_directory(config.state_dir, *user); !made) {
        return made;
    }
    if (!drop_to(*user)) {
        return failure(Errc::config, Retry::never,
                       fmt::format("user: cannot become {} and stay it", name));
    }
    return {};
}

Expected<void> check_not_root(const config::Config& config) {
    if (::geteuid() != 0 || config.privileges.allow_root) {
        return {};
    }
    const auto risky = std::find_if(
        config.destinations.begin(), config.destinations.end(), [](const auto& destination) {
            return destination.second.type == config::DestinationType::maildir ||
                   destination.second.type == config::DestinationType::command;
        });
    if (risky == config.destinations.end()) {
        return {};
    }
    return failure(Errc::config, Retry::never,
                   fmt::format("destination {} is written by root: name an unprivileged user "
                               "(user: ...), or say allow_root: true",
                               risky->first));
}

}  // namespace postrider::app
