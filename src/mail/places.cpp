#include "postrider/mail/places.h"

#include "postrider/base/text.h"

namespace postrider::mail {

std::vector<std::string> delivery_places() {
    return {"account", "recipient", "user", "domain"};
}

bool is_of_recipient(std::string_view place) {
    return place != "account";
}

std::string place_value(std::string_view place, std::string_view account,
                        const Address& recipient) {
    if (place == "account") {
        return std::string(account);
    }
    if (place == "user") {
        return std::string(recipient.local_part());
    }
    if (place == "domain") {
        return to_lower(recipient.domain());
    }
    return recipient.text();
}

}  // namespace postrider::mail
