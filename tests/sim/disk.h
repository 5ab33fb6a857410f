#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "sim/chaos.h"
#include "sim/machine.h"
#include "sim/random.h"
#include "sim/trace.h"
#include "support/sim_loop.h"

namespace postrider::sim {

/// A disk with a file system and the page cache before it. What was not fsynced is lost at a power
/// cut, wholly, in part, or in pieces of 512 octets; a name is safe when its directory was fsynced.
/// What a killed process has written stays. Everything is below kRoot.
///
/// Calls are as those of the kernel; they return what it would, or -errno.
class Disk {
  public:
    static constexpr std::string_view kRoot = "/sim";
    /// Descriptors of this disk begin here: no real one is as large.
    static constexpr int kFirstDescriptor = 1'000'000;

    Disk(const test::SimLoop& loop, Machine& machine, Chaos& chaos, Trace& trace,
         std::uint64_t seed);
    Disk(const Disk&) = delete;
    Disk& operator=(const Disk&) = delete;
    ~Disk();

    [[nodiscard]] static bool owns(int descriptor) { return descriptor >= kFirstDescriptor; }
    [[nodiscard]] static bool owns(std::string_view path) { return path.starts_with(kRoot); }

    // `directory` is looked at if the path is relative only.
    [[nodiscard]] int open(int directory, std::string_view path, int flags);
    int close(int descriptor);
    [[nodiscard]] ssize_t read(int descriptor, std::span<char> into);
    [[nodiscard]] ssize_t pread(int descriptor, std::span<char> into, std::uint64_t offset);
    [[nodiscard]] ssize_t write(int descriptor, std::string_view octets);
    [[nodiscard]] ssize_t pwrite(int descriptor, std::string_view octets, std::uint64_t offset);
    [[nodiscard]] int truncate(int descriptor, std::uint64_t size);
    [[nodiscard]] int sync(int descriptor);
    [[nodiscard]] int make_directory(int directory, std::string_view path);
    [[nodiscard]] int rename(int from_directory, std::string_view from, int to_directory,
                             std::string_view to);
    /// A second name.
    [[nodiscard]] int link(int from_directory, std::string_view from, int to_directory,
                           std::string_view to);
    [[nodiscard]] int unlink(int directory, std::string_view path);
    /// As a file system that cannot rename without replacing (renameat2).
    [[nodiscard]] bool is_plain() const { return is_plain_; }

    struct Status {
        bool is_directory = false;
        std::uint64_t size = 0;
    };
    [[nodiscard]] std::optional<Status> status(int directory, std::string_view path) const;
    [[nodiscard]] std::optional<Status> status(int descriptor) const;
    [[nodiscard]] std::vector<std::string> names(int descriptor) const;

    /// The process is gone, with its descriptors. After a power cut, what was not safe is, too.
    void forget_process();
    void lose_power();

    /// As the next process would find it; empty if there is none.
    [[nodiscard]] std::string content(std::string_view path) const;

    // What is safe at this moment, for the oracle:
    [[nodiscard]] std::optional<std::string> durable(std::string_view path) const;
    [[nodiscard]] std::vector<std::string> durable_names(std::string_view path) const;
    /// Another number whenever what is safe has changed.
    [[nodiscard]] std::uint64_t durable_version() const { return durable_version_; }
    /// The last time that an fsync did.
    [[nodiscard]] std::optional<MonotonicTime> sync_failed_at() const { return sync_failed_at_; }

    /// A person takes a file away.
    void remove(std::string_view path);

  private:
    struct Node;
    using NodePtr = std::shared_ptr<Node>;  // owners: directories, open files, pending changes
    using Entries = std::map<std::string, NodePtr, std::less<>>;

    /// Written to a file since its last fsync; or, without octets, its new size.
    struct Change {
        std::uint64_t offset = 0;
        std::string octets;
        bool is_size = false;
    };
    /// Done to the names in a directory since its last fsync.
    struct NameChange {
        std::string removed;
        std::string added;
        NodePtr node;
    };
    struct Node {
        bool is_directory = false;
        std::string content;
        std::string durable;
        std::vector<Change> pending;
        Entries entries;
        Entries durable_entries;
        std::vector<NameChange> pending_names;
    };
    struct Open {
        NodePtr node;
        std::uint64_t position = 0;
    };

    static void apply(std::string& content, const Change& change);
    static void apply(Entries& entries, const NameChange& change);

    [[nodiscard]] NodePtr find(const NodePtr& from, std::string_view path) const;
    [[nodiscard]] NodePtr node_at(int directory, std::string_view path) const;
    /// The directory that holds a path, and the last name of it.
    [[nodiscard]] std::pair<NodePtr, std::string> parent_of(int directory,
                                                            std::string_view path) const;
    [[nodiscard]] const Node* durable_node(std::string_view path) const;
    static void change_names(Node& directory, NameChange change);
    [[nodiscard]] bool is_full();
    [[nodiscard]] int write_fault(bool grows);
    void keep_some(Node& node);
    void keep_some_octets(Node& node, std::uint64_t way);

    const test::SimLoop& loop_;
    Machine& machine_;
    Chaos& chaos_;
    Trace& trace_;
    Random random_;
    NodePtr root_;
    const bool is_plain_;
    std::map<int, Open> open_;
    int next_descriptor_ = kFirstDescriptor;
    MonotonicTime full_until_{};
    std::uint64_t durable_version_ = 0;
    std::optional<MonotonicTime> sync_failed_at_;
};

}  // namespace postrider::sim
