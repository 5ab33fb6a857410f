#include "support/fake_octets.h"

#include <gtest/gtest.h>

namespace postrider::test {

std::string octets_of(const mail::OutgoingMessage& message) {
    std::string octets;
    mail::OutgoingMessage::Reader reader(message);
    while (true) {
        const auto piece = reader.next();
        if (!piece) {
            ADD_FAILURE() << piece.error().text;
            return octets;
        }
        if (piece->empty()) {
            return octets;
        }
        octets.append(*piece);
    }
}

}  // namespace postrider::test
