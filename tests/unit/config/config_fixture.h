#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "postrider/config/load.h"

namespace postrider::config {

/// A directory of its own for configuration files, removed at the end.
class ConfigFiles : public ::testing::Test {
  public:
    ConfigFiles(const ConfigFiles&) = delete;
    ConfigFiles& operator=(const ConfigFiles&) = delete;

  protected:
    ConfigFiles() {
        std::string pattern = ::testing::TempDir() + "config-XXXXXX";
        directory_ = ::mkdtemp(pattern.data());
    }
    ~ConfigFiles() override {
        std::error_code ignored;
        std::filesystem::remove_all(directory_, ignored);
    }

    [[nodiscard]] std::string path(const std::string& name) const { return directory_ / name; }

    void write(const std::string& name, std::string_view content, mode_t mode = 0600) const {
        std::filesystem::create_directories((directory_ / name).parent_path());
        std::ofstream(path(name), std::ios::binary) << content;
        ASSERT_EQ(::chmod(path(name).c_str(), mode), 0);
    }

    [[nodiscard]] LoadResult load_text(std::string_view content, mode_t mode = 0600) const {
        write("c.yaml", content, mode);
        return load(path("c.yaml"), environment_);
    }

    /// Problems as they print, with the directory cut off the file names.
    [[nodiscard]] std::vector<std::string> texts(const std::vector<Problem>& problems) const {
        std::vector<std::string> lines;
        for (const Problem& problem : problems) {
            std::string line = problem.to_text();
            const std::string prefix = directory_.string() + "/";
            for (std::size_t at = line.find(prefix); at != std::string::npos;
                 at = line.find(prefix)) {
                line.erase(at, prefix.size());
            }
            lines.push_back(std::move(line));
        }
        return lines;
    }

    [[nodiscard]] std::vector<std::string> faults_of(std::string_view content,
                                                     mode_t mode = 0600) const {
        return texts(load_text(content, mode).problems);
    }

    std::filesystem::path directory_;
    Environment environment_{{{"HOME", "/home/tester"}}, 1000};
};

/// A file without a fault: one destination, one account. Lines 1 to 9.
inline constexpr std::string_view kGood =
    "destinations:\n"
    "  local: {type: smtp, host: 127.0.0.1}\n"
    "accounts:\n"
    "  alice:\n"
    "    host: pop.example\n"
    "    user: alice\n"
    "    password: {env: ALICE}\n"
    "    recipients: [alice@localhost]\n"
    "    deliver_to: local\n";

}  // namespace postrider::config
