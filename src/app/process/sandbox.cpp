#include "app/process/sandbox.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <system_error>

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "postrider/base/file_handle.h"

namespace postrider::app {

namespace {

namespace fs = std::filesystem;

// Every way to write that the second version of Landlock knows; the first one has no way to let a
// file be renamed into another directory, which is how a Maildir works.
constexpr long kLeastVersion = 2;
constexpr std::uint64_t kWriting =
    LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
    LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
    LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
    LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER;
constexpr std::uint64_t kExecuting = LANDLOCK_ACCESS_FS_EXECUTE;
constexpr std::uint64_t kTruncate = 1ULL << 14U;  ///< from version 3 on

bool allow_beneath(int ruleset, const std::string& path, std::uint64_t access) {
    const FileHandle place(::open(path.c_str(), O_PATH | O_CLOEXEC));
    landlock_path_beneath_attr rule{};
    rule.allowed_access = access;
    rule.parent_fd = place.get();
    return place.is_open() &&
           ::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

/// False: this kernel does not have it, or has it turned off.
bool restrict_files(const std::vector<std::string>& written) {
    const long version =
        ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < kLeastVersion) {
        return false;
    }
    const std::uint64_t writing = kWriting | (version >= 3 ? kTruncate : 0);
    landlock_ruleset_attr attributes{};
    attributes.handled_access_fs = writing | kExecuting;
    const FileHandle ruleset(static_cast<int>(
        ::syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0)));
    if (!ruleset.is_open()) {
        return false;
    }
    for (const std::string& path : written) {
        if (!allow_beneath(ruleset.get(), path, writing)) {
            return false;
        }
    }
    static_cast<void>(allow_beneath(ruleset.get(), "/dev/null", LANDLOCK_ACCESS_FS_WRITE_FILE));
    return ::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) == 0;
}

/// Calls that a mail fetcher never makes: new programs, other processes, the kernel itself.
constexpr auto kForbidden = std::to_array<std::uint32_t>({
    SYS_execve, SYS_execveat, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp,
        SYS_pidfd_getfd, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_io_uring_setup,
        SYS_io_uring_enter, SYS_io_uring_register, SYS_add_key, SYS_request_key, SYS_keyctl,
        SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_move_mount, SYS_open_tree,
        SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_fspick, SYS_setns, SYS_unshare, SYS_init_module,
        SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_reboot, SYS_swapon, SYS_swapoff,
        SYS_acct, SYS_settimeofday, SYS_clock_settime, SYS_adjtimex, SYS_clock_adjtime,
        SYS_sethostname, SYS_setdomainname, SYS_syslog, SYS_quotactl, SYS_open_by_handle_at,
        SYS_name_to_handle_at, SYS_personality, SYS_mknodat, SYS_setuid, SYS_setgid, SYS_setresuid,
        SYS_setresgid, SYS_setreuid, SYS_setregid, SYS_setgroups, SYS_capset,
#if defined(__x86_64__)
        SYS_iopl, SYS_ioperm, SYS_modify_ldt,
#endif
});

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
constexpr std::uint32_t kCallsOfOthers = 0x40000000;  ///< x32 shares the architecture
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
constexpr std::uint32_t kCallsOfOthers = 0;
#else
constexpr std::uint32_t kArchitecture = 0;  ///< not known here: no filter
constexpr std::uint32_t kCallsOfOthers = 0;
#endif

sock_filter statement(unsigned code, std::uint32_t operand) {
    return {static_cast<std::uint16_t>(code), 0, 0, operand};
}

sock_filter jump(unsigned code, std::uint32_t operand, std::uint8_t if_true,
                 std::uint8_t if_false) {
    return {static_cast<std::uint16_t>(code), if_true, if_false, operand};
}

/// False: this kernel does not have it, or nobody has told us its calls.
bool restrict_calls() {
    if (kArchitecture == 0) {
        return false;
    }
    const std::uint32_t refuse = SECCOMP_RET_ERRNO | EPERM;
    std::vector<sock_filter> program{
        statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
        jump(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0),
        statement(BPF_RET | BPF_K, refuse),
        statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
    };
    if (kCallsOfOthers != 0) {
        program.push_back(jump(BPF_JMP | BPF_JGE | BPF_K, kCallsOfOthers, 0, 1));
        program.push_back(statement(BPF_RET | BPF_K, refuse));
    }
    for (const std::uint32_t call : kForbidden) {
        program.push_back(jump(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1));
        program.push_back(statement(BPF_RET | BPF_K, refuse));
    }
    program.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
    return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0;
}

bool is_command(const config::PasswordSource& source) {
    return source.kind == config::PasswordSource::Kind::command;
}

/// The directory itself, or the nearest one above that exists.
std::string existing(const std::string& from) {
    std::error_code error;
    fs::path path = fs::path(from).lexically_normal();
    while (!fs::is_directory(path, error) && path.has_relative_path()) {
        path = path.parent_path();
    }
    std::string text = path.string();
    if (text.size() > 1 && text.back() == '/') {
        text.pop_back();
    }
    return text;
}

bool is_beneath(const std::string& path, const std::string& directory) {
    return path == directory || directory == "/" || path.starts_with(directory + "/");
}

}  // namespace

bool runs_programs(const config::Config& config) {
    return !config.alerts.command.empty() ||
           std::any_of(config.destinations.begin(), config.destinations.end(),
                       [](const auto& destination) {
                           return destination.second.type == config::DestinationType::command ||
                                  is_command(destination.second.password_source);
                       }) ||
           std::any_of(config.accounts.begin(), config.accounts.end(),
                       [](const config::AccountConfig& account) {
                           return !account.transport_command.empty() ||
                                  is_command(account.password_source) ||
                                  (account.proxy && is_command(account.proxy->password_source)) ||
                                  (account.token_source && is_command(*account.token_source));
                       });
}

std::vector<std::string> written_directories(const config::Config& config) {
    std::vector<std::string> written{
        existing(config.state_dir),
        existing(fs::path(config.control.socket).parent_path().string())};
    for (const auto& [name, destination] : config.destinations) {
        if (destination.type == config::DestinationType::maildir) {
            const std::string& fixed = destination.path.fixed_start();
            const bool is_whole = !destination.path.has_places();
            written.push_back(existing(is_whole ? fixed : fixed.substr(0, fixed.rfind('/') + 1)));
        }
    }
    std::sort(written.begin(), written.end());
    written.erase(std::unique(written.begin(), written.end()), written.end());
    return written;
}

Sandbox Sandbox::enter(const config::Config& config) {
    Sandbox sandbox;
    if (!config.privileges.sandbox || kIsInspected) {
        sandbox.description_ = kIsInspected ? "none: built with sanitizers" : "off";
        return sandbox;
    }
    if (runs_programs(config)) {
        sandbox.description_ = "none: programs are run";
        return sandbox;
    }
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        sandbox.description_ = "none: not to be had of this kernel";
        return sandbox;
    }
    sandbox.written_ = written_directories(config);
    sandbox.forbids_writing_ = restrict_files(sandbox.written_);
    sandbox.forbids_programs_ = restrict_calls();
    if (sandbox.forbids_writing_) {
        sandbox.description_ = "landlock";
    }
    if (sandbox.forbids_programs_) {
        sandbox.description_ += sandbox.description_.empty() ? "seccomp" : ", seccomp";
    }
    if (sandbox.description_.empty()) {
        sandbox.description_ = "none: not to be had of this kernel";
    }
    return sandbox;
}

std::vector<std::string> Sandbox::conflicts(const config::Config& config) const {
    std::vector<std::string> conflicts;
    if ((forbids_programs_ || forbids_writing_) && runs_programs(config)) {
        conflicts.emplace_back("programs can be run only after a restart (sandbox)");
    }
    if (forbids_writing_) {
        for (const std::string& path : written_directories(config)) {
            const bool is_known =
                std::any_of(written_.begin(), written_.end(),
                            [&path](const std::string& known) { return is_beneath(path, known); });
            if (!is_known) {
                conflicts.push_back(path + " can be written to only after a restart (sandbox)");
            }
        }
    }
    return conflicts;
}

}  // namespace postrider::app
