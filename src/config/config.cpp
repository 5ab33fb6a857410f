#include "postrider/config/config.h"

#include <algorithm>

namespace postrider::config {

const AccountConfig* Config::find_account(std::string_view name) const {
    const auto found = std::find_if(accounts.begin(), accounts.end(),
                                    [name](const AccountConfig& a) { return a.name == name; });
    return found == accounts.end() ? nullptr : &*found;
}

}  // namespace postrider::config
