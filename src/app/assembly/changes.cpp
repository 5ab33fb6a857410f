#include "app/assembly/changes.h"

namespace postrider::app {

bool is_other(const config::DestinationConfig& a, const config::DestinationConfig& b) {
    config::DestinationConfig moved = b;
    moved.place = a.place;
    moved.password_source.place = a.password_source.place;
    return !(moved == a);
}

bool is_other(const config::AccountConfig& a, const config::AccountConfig& b) {
    config::AccountConfig moved = b;
    moved.place = a.place;
    moved.password_source.place = a.password_source.place;
    if (moved.proxy && a.proxy) {
        moved.proxy->password_source.place = a.proxy->password_source.place;
    }
    if (moved.token_source && a.token_source) {
        moved.token_source->place = a.token_source->place;
    }
    return !(moved == a);
}

std::vector<std::string> only_at_start(const config::Config& from, const config::Config& to) {
    std::vector<std::string> keys;
    if (from.state_dir != to.state_dir) {
        keys.emplace_back("state_dir");
    }
    if (from.log.level != to.log.level || from.log.format != to.log.format) {
        keys.emplace_back("log");
    }
    if (from.control != to.control) {
        keys.emplace_back("control");
    }
    if (from.metrics != to.metrics) {
        keys.emplace_back("metrics");
    }
    if (from.privileges != to.privileges) {
        keys.emplace_back("user, allow_root and sandbox");
    }
    return keys;
}

}  // namespace postrider::app
