#pragma once

#include <string>
#include <string_view>

namespace postrider::test {

/// A directory of its own for a test, removed with everything in it at the end.
class TempDir {
  public:
    TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir();

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::string operator/(std::string_view name) const;

  private:
    std::string path_;
};

/// The whole content of a file; throws std::runtime_error if it cannot be read.
[[nodiscard]] std::string read_whole(const std::string& path);

/// Makes or replaces a file; throws std::runtime_error if it cannot.
void write_whole(const std::string& path, std::string_view content);

}  // namespace postrider::test
