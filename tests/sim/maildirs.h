#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sim/disk.h"

namespace postrider::sim {

/// The Maildirs on a disk, as a power cut would leave them.
class Maildirs {
  public:
    /// A file that is in new/, whole and safe.
    struct Filed {
        std::string path;  ///< of the Maildir
        std::uint64_t id = 0;
        std::string delivery_id;
        std::string content;  ///< as it was on the way: behind our own lines, with CRLF
    };

    explicit Maildirs(const Disk& disk) : disk_(disk) {}

    void add(const std::string& path) { paths_.insert(path); }

    /// What has come since the last look; `wrong` is told of files that are not as they should be,
    /// or not there any more.
    [[nodiscard]] std::vector<Filed> look(const std::function<void(const std::string&)>& wrong);

  private:
    const Disk& disk_;
    std::set<std::string> paths_;
    std::map<std::string, std::set<std::string>> known_;  ///< names of files, by path
};

}  // namespace postrider::sim
