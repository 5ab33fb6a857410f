#pragma once

#include <string>
#include <string_view>

namespace postrider::sink {

/// Somebody who may listen to what is said about an account's messages with the servers that take
/// them. Lines have passed the escaper. Only what belongs to the transaction of that message is
/// told, of its content the size alone: logins, and what concerns other accounts on the same
/// connection, stand before and behind it.
class DeliveryListener {
  public:
    DeliveryListener() = default;
    DeliveryListener(const DeliveryListener&) = delete;
    DeliveryListener& operator=(const DeliveryListener&) = delete;
    virtual ~DeliveryListener() = default;

    /// Asked before each line: nothing is made ready where nobody listens.
    [[nodiscard]] virtual bool is_wanted(const std::string& account) const = 0;

    virtual void client(const std::string& account, const std::string& destination,
                        std::string_view line) = 0;
    virtual void server(const std::string& account, const std::string& destination,
                        std::string_view line) = 0;
};

}  // namespace postrider::sink
