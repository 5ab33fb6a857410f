#pragma once

#include <string>
#include <string_view>

namespace postrider {

/// Overwrites the bytes of a string before letting them go; the compiler may not drop it.
void wipe(std::string& bytes);

/// A password or token. It cannot be printed, compared by accident or formatted; its bytes are
/// overwritten when it dies. Who needs the bytes says so: reveal().
class Secret {
  public:
    Secret() = default;
    explicit Secret(std::string bytes) : bytes_(std::move(bytes)) {}
    Secret(const Secret&) = default;
    Secret(Secret&& other) noexcept;
    Secret& operator=(const Secret& other);
    Secret& operator=(Secret&& other) noexcept;
    ~Secret();

    [[nodiscard]] std::string_view reveal() const { return bytes_; }
    [[nodiscard]] bool empty() const { return bytes_.empty(); }

  private:
    std::string bytes_;
};

}  // namespace postrider
