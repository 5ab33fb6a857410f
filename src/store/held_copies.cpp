#include "postrider/store/held_copies.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "postrider/base/assert.h"
#include "postrider/base/file_handle.h"
#include "postrider/base/files.h"
#include "postrider/base/text.h"

#include "store/held_envelope.h"

namespace postrider::store {
namespace {

constexpr std::string_view kEnvelopeEnd = ".json";

/// Not open if there is no such directory.
Expected<FileHandle> open_held(const std::string& path) {
    FileHandle directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory.is_open() && errno != ENOENT) {
        return failure(file_error("cannot look through " + path, errno));
    }
    return directory;
}

Expected<void> unlink_at(int directory, const std::string& name, const std::string& what) {
    if (::unlinkat(directory, name.c_str(), 0) != 0 && errno != ENOENT) {
        return failure(file_error(what, errno));
    }
    return {};
}

/// The times of the oldest first; what has no envelope is older than all.
WallTime age_of(const HeldCopy& copy) {
    return copy.refusals.empty() ? WallTime() : copy.refusals.front().what.held_at;
}

/// Collects what lies in an open held/.
class Lister {
  public:
    Lister(int held, const std::string& path) : held_(held), path_(path) {}

    Expected<HeldListing> list() {
        // Messages first: one that is held meanwhile has its envelope there before.
        for (const char* const directory : {"new", "cur"}) {
            if (auto done = find_messages(directory); !done) {
                return failure(done.error());
            }
        }
        if (auto done = find_envelopes(); !done) {
            return failure(done.error());
        }
        HeldListing listing;
        for (auto& [id, copy] : copies_) {
            std::stable_sort(copy.refusals.begin(), copy.refusals.end(),
                             [](const HeldRefusal& a, const HeldRefusal& b) {
                                 return a.what.held_at < b.what.held_at;
                             });
            listing.copies.push_back(std::move(copy));
        }
        std::stable_sort(
            listing.copies.begin(), listing.copies.end(),
            [](const HeldCopy& a, const HeldCopy& b) { return age_of(a) < age_of(b); });
        listing.faults = std::move(faults_);
        return listing;
    }

  private:
    Expected<std::vector<std::string>> names(const char* directory) {
        auto found = names_in(held_, directory, "cannot look through " + path_);
        if (!found && ::faccessat(held_, directory, F_OK, 0) != 0 && errno == ENOENT) {
            return std::vector<std::string>();
        }
        if (found) {
            std::sort(found->begin(), found->end());
        }
        return found;
    }

    Expected<void> find_messages(const char* directory) {
        const auto found = names(directory);
        if (!found) {
            return failure(found.error());
        }
        for (const std::string& name : *found) {
            const std::string file = fmt::format("{}/{}", directory, name);
            struct stat status {};
            if (::fstatat(held_, file.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 ||
                !S_ISREG(status.st_mode)) {
                continue;  // taken away meanwhile, or nothing of ours
            }
            HeldCopy copy;
            copy.id = name.substr(0, name.find(':'));  // a mail reader adds its flags: "<id>:2,S"
            copy.file = file;
            copy.size = static_cast<std::uint64_t>(status.st_size);
            copies_.emplace(copy.id, std::move(copy));
        }
        return {};
    }

    Expected<void> find_envelopes() {
        const auto found = names(".");
        if (!found) {
            return failure(found.error());
        }
        for (const std::string& name : *found) {
            const auto copy = copies_.find(name.substr(0, name.find('.')));
            if (!name.ends_with(kEnvelopeEnd) || copy == copies_.end()) {
                continue;
            }
            const std::string what = fmt::format("cannot read {}/{}", path_, escaped(name));
            const auto json = read_file(held_, name, kEnvelopeLimit, what);
            if (!json) {
                faults_.push_back(json.error().text);
                continue;
            }
            if (!*json) {
                continue;  // settled meanwhile
            }
            auto envelope = parse_envelope(**json);
            if (!envelope || envelope->delivery_id != copy->first) {
                faults_.push_back(what + ": it is no envelope of this message");
                continue;
            }
            copy->second.refusals.push_back({name, *std::move(envelope)});
        }
        return {};
    }

    int held_;
    const std::string& path_;
    std::map<std::string, HeldCopy> copies_;
    std::vector<std::string> faults_;
};

}  // namespace

Expected<HeldListing> HeldCopies::list() const {
    const auto held = open_held(path_);
    if (!held) {
        return failure(held.error());
    }
    return held->is_open() ? Lister(held->get(), path_).list() : HeldListing();
}

Expected<void> HeldCopies::read(const HeldCopy& copy, const Take& take) const {
    const std::string path = path_ + "/" + copy.file;
    const std::string what = "cannot read " + escaped(path);
    const FileHandle file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!file.is_open()) {
        return failure(file_error(what, errno));
    }
    std::array<char, 65536> piece{};
    for (;;) {
        const ssize_t got = ::read(file.get(), piece.data(), piece.size());
        if (got < 0 && errno != EINTR) {
            return failure(file_error(what, errno));
        }
        if (got == 0) {
            return {};
        }
        if (got > 0) {
            if (auto taken = take({piece.data(), static_cast<std::size_t>(got)}); !taken) {
                return taken;
            }
        }
    }
}

Expected<void> HeldCopies::amend(const HeldRefusal& refusal) const {
    const auto held = open_held(path_);
    if (!held) {
        return failure(held.error());
    }
    return replace_file(held->get(), refusal.file, envelope_json(refusal.what),
                        fmt::format("cannot write {}/{}", path_, escaped(refusal.file)));
}

Expected<void> HeldCopies::remove(HeldCopy& copy, std::size_t refusal) const {
    POSTRIDER_ASSERT(refusal < copy.refusals.size());
    if (copy.refusals.size() == 1) {
        return remove(copy);
    }
    const std::string what = fmt::format("cannot remove {} from {}", copy.id, path_);
    const auto held = open_held(path_);
    if (!held) {
        return failure(held.error());
    }
    if (auto gone = unlink_at(held->get(), copy.refusals[refusal].file, what); !gone) {
        return gone;
    }
    copy.refusals.erase(copy.refusals.begin() + static_cast<std::ptrdiff_t>(refusal));
    return make_durable(held->get(), what);
}

Expected<void> HeldCopies::remove(const HeldCopy& copy) const {
    const std::string what = fmt::format("cannot remove {} from {}", escaped(copy.id), path_);
    const std::string folder = copy.file.substr(0, copy.file.find('/'));
    const auto held = open_held(path_);
    if (!held) {
        return failure(held.error());
    }
    const auto directory = open_directory(held->get(), folder, what);
    if (!directory) {
        return failure(directory.error());
    }
    if (auto gone = unlink_at(held->get(), copy.file, what); !gone) {
        return gone;
    }
    if (auto durable = make_durable(directory->get(), what); !durable) {
        return durable;
    }
    for (const HeldRefusal& refusal : copy.refusals) {
        if (auto gone = unlink_at(held->get(), refusal.file, what); !gone) {
            return gone;
        }
    }
    return make_durable(held->get(), what);
}

}  // namespace postrider::store
