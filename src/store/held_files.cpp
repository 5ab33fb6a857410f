#include "store/held_files.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "postrider/base/assert.h"
#include "postrider/base/files.h"
#include "postrider/base/planted.h"
#include "postrider/base/text.h"

#include "store/held_envelope.h"

namespace postrider::store {
namespace {

/// A file under tmp/ that is gone at the end, unless it was renamed.
class Unfinished {
  public:
    Unfinished(int tmp, std::string name) : tmp_(tmp), name_(std::move(name)) {}
    Unfinished(const Unfinished&) = delete;
    Unfinished& operator=(const Unfinished&) = delete;
    ~Unfinished() { ::unlinkat(tmp_, name_.c_str(), 0); }

    [[nodiscard]] const std::string& name() const { return name_; }

  private:
    int tmp_;
    std::string name_;
};

/// A name of ours: no octet of it may come from a peer.
bool is_delivery_id(std::string_view id) {
    return !id.empty() && id.size() <= 128 && std::all_of(id.begin(), id.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
    });
}

}  // namespace

Expected<std::unique_ptr<HeldFiles>> HeldFiles::open(int state_dir, std::string path) {
    const std::string what = "cannot use the directory " + path;
    Directories made;
    auto held = open_directory(state_dir, "held", what);
    if (!held) {
        return failure(held.error());
    }
    made.held = *std::move(held);
    for (auto [name, directory] : {std::pair{"tmp", &made.tmp}, std::pair{"new", &made.fresh},
                                   std::pair{"cur", &made.cur}}) {
        auto opened = open_directory(made.held.get(), name, what + "/" + name);
        if (!opened) {
            return failure(opened.error());
        }
        *directory = *std::move(opened);
    }
    for (const int directory : {made.held.get(), state_dir}) {
        if (auto durable = make_durable(directory, what); !durable) {
            return failure(durable.error());
        }
    }
    auto files = std::unique_ptr<HeldFiles>(new HeldFiles(std::move(path), std::move(made)));
    if (auto emptied = files->empty_tmp(); !emptied) {
        return failure(emptied.error());
    }
    return files;
}

HeldFiles::HeldFiles(std::string path, Directories directories)
    : path_(std::move(path)), directories_(std::move(directories)) {}

Expected<void> HeldFiles::empty_tmp() {
    const std::string what = "cannot empty " + path_ + "/tmp";
    auto names = names_in(directories_.held.get(), "tmp", what);
    if (!names) {
        return failure(names.error());
    }
    for (const std::string& name : *names) {
        if (::unlinkat(directories_.tmp.get(), name.c_str(), 0) != 0 && errno != ENOENT) {
            return failure(file_error(what + "/" + escaped(name), errno));
        }
    }
    return {};
}

Expected<void> HeldFiles::hold(const HeldMessage& what, const ReadPiece& read_piece) {
    const std::string& id = what.delivery_id;
    POSTRIDER_ASSERT(is_delivery_id(id));
    const std::string envelope = envelope_json(what);
    const Unfinished message(directories_.tmp.get(), fmt::format("{}.{}", id, ++begun_));
    const Unfinished beside(directories_.tmp.get(), message.name() + ".json");

    if (auto written = write_unfinished(message.name(), read_piece); !written) {
        return written;
    }
    const auto whole_envelope = [left = std::string_view(envelope)]() mutable {
        return Expected<std::string_view>(std::exchange(left, {}));
    };
    if (auto written = write_unfinished(beside.name(), whole_envelope); !written) {
        return written;
    }
    const std::lock_guard lock(publishing_);
    if (auto published = publish_envelope(beside.name(), id, envelope); !published) {
        return published;
    }
    return publish_message(message.name(), id);
}

Expected<void> HeldFiles::write_unfinished(const std::string& name, const ReadPiece& read_piece) {
    const std::string what = "cannot write " + path_ + "/tmp/" + name;
    const FileHandle file(::openat(directories_.tmp.get(), name.c_str(),
                                   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.is_open()) {
        return failure(file_error(what, errno));
    }
    while (true) {
        const auto piece = read_piece();
        if (!piece) {
            return failure(piece.error());
        }
        if (piece->empty()) {
            return make_durable(file.get(), what);
        }
        if (auto written = write_all(file.get(), *piece, what); !written) {
            return written;
        }
    }
}

Expected<void> HeldFiles::publish_envelope(const std::string& unfinished, const std::string& id,
                                           std::string_view envelope) {
    std::string name = id + ".json";
    for (std::uint64_t number = 2;; ++number) {
        auto there = read_file(directories_.held.get(), name, kEnvelopeLimit,
                               "cannot read " + path_ + "/" + name);
        if (!there) {
            return failure(there.error());
        }
        if (!*there) {
            return rename_durably(unfinished, directories_.held.get(), name);
        }
        if (is_same_hold(**there, envelope)) {
            // The attempt that wrote it may have ended before the directory was on the disk.
            return make_durable(directories_.held.get(), "cannot write " + path_);
        }
        name = fmt::format("{}.{}.json", id, number);
    }
}

Expected<void> HeldFiles::publish_message(const std::string& unfinished, const std::string& id) {
    const auto there = has_message(id);
    if (!there) {
        return failure(there.error());
    }
    if (*there) {
        return make_durable(directories_.fresh.get(), "cannot write " + path_ + "/new");
    }
    return rename_durably(unfinished, directories_.fresh.get(), id);
}

Expected<bool> HeldFiles::has_message(const std::string& id) {
    const std::string what = "cannot look through " + path_;
    for (const char* const directory : {"new", "cur"}) {
        const auto names = names_in(directories_.held.get(), directory, what);
        if (!names) {
            return failure(names.error());
        }
        // A mail reader adds its flags: "<id>:2,S".
        if (std::any_of(names->begin(), names->end(), [&](std::string_view name) {
                return name.substr(0, name.find(':')) == id;
            })) {
            return true;
        }
    }
    return false;
}

Expected<void> HeldFiles::rename_durably(const std::string& unfinished, int directory,
                                         const std::string& name) {
    const std::string what = fmt::format("cannot put {} into {}", name, path_);
    if (::renameat(directories_.tmp.get(), unfinished.c_str(), directory, name.c_str()) != 0) {
        return failure(file_error(what, errno));
    }
    return is_planted("held-not-synced") ? Expected<void>() : make_durable(directory, what);
}

}  // namespace postrider::store
