#include "store/marker.h"

#include "postrider/base/files.h"
#include "postrider/base/text.h"

namespace postrider::store {

void Marker::add_accounts(const std::vector<std::string>& names) {
    const std::lock_guard lock(mutex_);
    for (const std::string& name : names) {
        changed_ |= installation_.accounts.insert(escaped(name)).second;
    }
}

Expected<void> Marker::write_if_changed() {
    std::string text;
    {
        const std::lock_guard lock(mutex_);
        if (!changed_) {
            return {};
        }
        text = marker_text(installation_);
        changed_ = false;
    }
    auto written = replace_file(directory_, kMarkerName, text, "cannot write " + path_);
    if (!written) {
        const std::lock_guard lock(mutex_);
        changed_ = true;
    }
    return written;
}

}  // namespace postrider::store
