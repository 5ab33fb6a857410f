#pragma once

#include <string_view>
#include <vector>

#include "postrider/config/config.h"

#include "config/reader.h"

// The keys that say how an account logs in; passwords and tokens are read in password.h.
namespace postrider::config {

void read_user(Reader& reader, const Value& value, AccountConfig& into);
void read_auth(Reader& reader, const Value& value, AccountConfig& into);
void read_channel_binding(Reader& reader, const Value& value, AccountConfig& into);

/// What an account says besides its values, itself or by `defaults`.
struct LoginKeys {
    bool has_password = false;
    bool has_token = false;
};

struct LoginFault {
    std::string_view key;
    std::string_view text;
};

/// What does not fit together: each way to log in has its own proof, and no proof is left without
/// use.
[[nodiscard]] std::vector<LoginFault> login_faults(const AccountConfig& account,
                                                   const LoginKeys& keys);

}  // namespace postrider::config
