#include "sim/disk.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include <fcntl.h>

namespace postrider::sim {

namespace {

using namespace std::chrono_literals;

/// The first name of a path; takes it off.
std::string_view take_name(std::string_view& path) {
    path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
    const std::string_view name = path.substr(0, path.find('/'));
    path.remove_prefix(name.size());
    return name;
}

}  // namespace

Disk::Disk(const test::SimLoop& loop, Machine& machine, Chaos& chaos, Trace& trace,
           std::uint64_t seed)
    : loop_(loop),
      machine_(machine),
      chaos_(chaos),
      trace_(trace),
      random_(scrambled({seed, 0xd15c})),
      root_(std::make_shared<Node>()),
      is_plain_(random_.one_in(4)) {
    root_->is_directory = true;
    auto top = std::make_shared<Node>();
    top->is_directory = true;
    const std::string name(kRoot.substr(1));
    root_->entries[name] = top;
    root_->durable_entries[name] = std::move(top);
}

Disk::~Disk() = default;

void Disk::apply(std::string& content, const Change& change) {
    if (change.is_size) {
        content.resize(change.offset);
        return;
    }
    if (content.size() < change.offset) {
        content.resize(change.offset);
    }
    content.replace(change.offset, change.octets.size(), change.octets);
}

void Disk::apply(Entries& entries, const NameChange& change) {
    if (!change.removed.empty()) {
        entries.erase(change.removed);
    }
    if (!change.added.empty()) {
        entries[change.added] = change.node;
    }
}

void Disk::change_names(Node& directory, NameChange change) {
    apply(directory.entries, change);
    directory.pending_names.push_back(std::move(change));
}

Disk::NodePtr Disk::find(const NodePtr& from, std::string_view path) const {
    NodePtr node = from;
    while (node != nullptr) {
        const std::string_view name = take_name(path);
        if (name.empty()) {
            return node;
        }
        const auto entry = node->entries.find(name);
        node = entry == node->entries.end() ? nullptr : entry->second;
    }
    return nullptr;
}

Disk::NodePtr Disk::node_at(int directory, std::string_view path) const {
    if (path.starts_with('/')) {
        return find(root_, path);
    }
    const auto open = open_.find(directory);
    return open == open_.end() ? nullptr : find(open->second.node, path);
}

std::pair<Disk::NodePtr, std::string> Disk::parent_of(int directory, std::string_view path) const {
    path = path.substr(0, path.find_last_not_of('/') + 1);
    const std::size_t slash = path.rfind('/');
    const std::string_view above = slash == std::string_view::npos ? "" : path.substr(0, slash + 1);
    return {node_at(directory, above), std::string(path.substr(above.size()))};
}

int Disk::open(int directory, std::string_view path, int flags) {
    if (!machine_.event()) {
        return -EIO;
    }
    NodePtr node = node_at(directory, path);
    if (node != nullptr && (flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) {
        return -EEXIST;
    }
    if (node == nullptr) {
        const auto [above, name] = parent_of(directory, path);
        if ((flags & O_CREAT) == 0 || above == nullptr) {
            return -ENOENT;
        }
        if (const int fault = write_fault(true); fault != 0) {
            return fault;
        }
        node = std::make_shared<Node>();
        change_names(*above, {"", name, node});
    }
    if ((flags & O_DIRECTORY) != 0 && !node->is_directory) {
        return -ENOTDIR;
    }
    const int descriptor = next_descriptor_++;
    open_[descriptor] = {std::move(node), 0};
    if ((flags & O_TRUNC) != 0) {
        static_cast<void>(truncate(descriptor, 0));
    }
    return descriptor;
}

int Disk::close(int descriptor) {
    return open_.erase(descriptor) == 1 ? 0 : -EBADF;
}

ssize_t Disk::pread(int descriptor, std::span<char> into, std::uint64_t offset) {
    const auto open = open_.find(descriptor);
    if (open == open_.end() || !machine_.runs()) {
        return -EIO;
    }
    const std::string& content = open->second.node->content;
    const std::size_t count =
        offset >= content.size() ? 0 : std::min<std::size_t>(into.size(), content.size() - offset);
    std::copy_n(content.begin() + static_cast<std::ptrdiff_t>(std::min(offset, content.size())),
                count, into.begin());
    return static_cast<ssize_t>(count);
}

ssize_t Disk::read(int descriptor, std::span<char> into) {
    const auto open = open_.find(descriptor);
    const ssize_t got = pread(descriptor, into, open == open_.end() ? 0 : open->second.position);
    if (got > 0) {
        open->second.position += static_cast<std::uint64_t>(got);
    }
    return got;
}

ssize_t Disk::pwrite(int descriptor, std::string_view octets, std::uint64_t offset) {
    const auto open = open_.find(descriptor);
    if (open == open_.end() || !machine_.event()) {
        return -EIO;
    }
    Node& node = *open->second.node;
    if (const int fault = write_fault(offset + octets.size() > node.content.size()); fault != 0) {
        return fault;
    }
    Change change{offset, std::string(octets), false};
    apply(node.content, change);
    node.pending.push_back(std::move(change));
    return static_cast<ssize_t>(octets.size());
}

ssize_t Disk::write(int descriptor, std::string_view octets) {
    const auto open = open_.find(descriptor);
    const ssize_t written =
        pwrite(descriptor, octets, open == open_.end() ? 0 : open->second.position);
    if (written > 0) {
        open->second.position += static_cast<std::uint64_t>(written);
    }
    return written;
}

int Disk::truncate(int descriptor, std::uint64_t size) {
    const auto open = open_.find(descriptor);
    if (open == open_.end() || !machine_.event()) {
        return -EIO;
    }
    Node& node = *open->second.node;
    if (node.content.size() != size) {
        Change change{size, {}, true};
        apply(node.content, change);
        node.pending.push_back(std::move(change));
    }
    return 0;
}

int Disk::sync(int descriptor) {
    const auto open = open_.find(descriptor);
    if (open == open_.end() || !machine_.event()) {
        return -EIO;
    }
    if (chaos_.strikes(Fault::sync_error)) {
        trace_("disk: fsync fails");
        sync_failed_at_ = loop_.now();
        return -EIO;
    }
    Node& node = *open->second.node;
    for (const Change& change : node.pending) {
        apply(node.durable, change);
    }
    node.pending.clear();
    for (const NameChange& change : node.pending_names) {
        apply(node.durable_entries, change);
    }
    node.pending_names.clear();
    ++durable_version_;
    return 0;
}

int Disk::make_directory(int directory, std::string_view path) {
    if (!machine_.event()) {
        return -EIO;
    }
    const auto [above, name] = parent_of(directory, path);
    if (above == nullptr) {
        return -ENOENT;
    }
    if (above->entries.contains(name)) {
        return -EEXIST;
    }
    if (const int fault = write_fault(true); fault != 0) {
        return fault;
    }
    auto made = std::make_shared<Node>();
    made->is_directory = true;
    change_names(*above, {"", name, std::move(made)});
    return 0;
}

int Disk::rename(int from_directory, std::string_view from, int to_directory, std::string_view to) {
    if (!machine_.event()) {
        return -EIO;
    }
    const auto [source, old_name] = parent_of(from_directory, from);
    const auto [target, new_name] = parent_of(to_directory, to);
    if (source == nullptr || target == nullptr || !source->entries.contains(old_name)) {
        return -ENOENT;
    }
    if (const int fault = write_fault(false); fault != 0) {
        return fault;
    }
    const NodePtr node = source->entries.at(old_name);
    if (source == target) {
        change_names(*source, {old_name, new_name, node});
    } else {
        change_names(*target, {"", new_name, node});
        change_names(*source, {old_name, "", nullptr});
    }
    return 0;
}

int Disk::link(int from_directory, std::string_view from, int to_directory, std::string_view to) {
    if (!machine_.event()) {
        return -EIO;
    }
    const NodePtr node = node_at(from_directory, from);
    const auto [target, name] = parent_of(to_directory, to);
    if (node == nullptr || target == nullptr) {
        return -ENOENT;
    }
    if (target->entries.contains(name)) {
        return -EEXIST;
    }
    if (const int fault = write_fault(true); fault != 0) {
        return fault;
    }
    change_names(*target, {"", name, node});
    return 0;
}

int Disk::unlink(int directory, std::string_view path) {
    if (!machine_.event()) {
        return -EIO;
    }
    const auto [above, name] = parent_of(directory, path);
    if (above == nullptr || !above->entries.contains(name)) {
        return -ENOENT;
    }
    change_names(*above, {name, "", nullptr});
    return 0;
}

std::optional<Disk::Status> Disk::status(int directory, std::string_view path) const {
    const NodePtr node = node_at(directory, path);
    if (node == nullptr) {
        return std::nullopt;
    }
    return Status{node->is_directory, node->content.size()};
}

std::optional<Disk::Status> Disk::status(int descriptor) const {
    const auto open = open_.find(descriptor);
    if (open == open_.end()) {
        return std::nullopt;
    }
    return Status{open->second.node->is_directory, open->second.node->content.size()};
}

std::vector<std::string> Disk::names(int descriptor) const {
    std::vector<std::string> names;
    if (const auto open = open_.find(descriptor); open != open_.end()) {
        for (const auto& [name, node] : open->second.node->entries) {
            names.push_back(name);
        }
    }
    return names;
}

bool Disk::is_full() {
    if (chaos_.strikes(Fault::disk_full)) {
        full_until_ = loop_.now() + 1s * (1 + chaos_.choose(Fault::disk_full, 3600));
        trace_("disk: full");
    }
    return loop_.now() < full_until_ && !chaos_.is_healed();
}

/// What happens to an operation that writes: nothing, or -errno.
int Disk::write_fault(bool grows) {
    if (is_full() && grows) {
        return -ENOSPC;
    }
    if (chaos_.strikes(Fault::write_error)) {
        trace_("disk: a write fails");
        return chaos_.choose(Fault::write_error, 2) == 0 ? -EIO : -ENOSPC;
    }
    return 0;
}

void Disk::forget_process() {
    open_.clear();
}

void Disk::lose_power() {
    open_.clear();
    keep_some(*root_);
    ++durable_version_;
}

/// Of each directory the first changes stay, however many.
void Disk::keep_some(Node& node) {
    if (!node.is_directory) {
        keep_some_octets(node, random_.below(5));
        return;
    }
    const std::uint64_t kept = random_.below(node.pending_names.size() + 1);
    for (std::uint64_t i = 0; i < kept; ++i) {
        apply(node.durable_entries, node.pending_names[i]);
    }
    node.pending_names.clear();
    node.entries = node.durable_entries;
    for (const auto& [name, child] : node.entries) {
        keep_some(*child);
    }
}

/// Of a file stays nothing, all, the first writes, any of the writes, or any sectors of them.
void Disk::keep_some_octets(Node& node, std::uint64_t way) {
    constexpr std::size_t kSector = 512;
    const std::size_t first = way == 0   ? 0
                              : way == 2 ? random_.below(node.pending.size() + 1)
                                         : node.pending.size();
    for (std::size_t i = 0; i < first; ++i) {
        const Change& change = node.pending[i];
        if (way == 3 && random_.coin()) {
            continue;
        }
        if (way != 4 || change.is_size) {
            apply(node.durable, change);
            continue;
        }
        for (std::size_t at = 0; at < change.octets.size(); at += kSector) {
            if (random_.coin()) {
                apply(node.durable, {change.offset + at, change.octets.substr(at, kSector), false});
            }
        }
    }
    node.pending.clear();
    node.content = node.durable;
}

std::string Disk::content(std::string_view path) const {
    const NodePtr node = find(root_, path);
    return node == nullptr ? "" : node->content;
}

const Disk::Node* Disk::durable_node(std::string_view path) const {
    const Node* node = root_.get();
    while (node != nullptr) {
        const std::string_view name = take_name(path);
        if (name.empty()) {
            return node;
        }
        const auto entry = node->durable_entries.find(name);
        node = entry == node->durable_entries.end() ? nullptr : entry->second.get();
    }
    return nullptr;
}

std::optional<std::string> Disk::durable(std::string_view path) const {
    const Node* const node = durable_node(path);
    return node == nullptr ? std::nullopt : std::optional(node->durable);
}

std::vector<std::string> Disk::durable_names(std::string_view path) const {
    std::vector<std::string> names;
    if (const Node* const node = durable_node(path); node != nullptr) {
        for (const auto& [name, child] : node->durable_entries) {
            names.push_back(name);
        }
    }
    return names;
}

void Disk::remove(std::string_view path) {
    const auto [above, name] = parent_of(-1, path);
    if (above != nullptr) {
        above->entries.erase(name);
        above->durable_entries.erase(name);
    }
}

}  // namespace postrider::sim
