#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "postrider/sink/sink.h"

#include "support/temp_dir.h"
#include "unit/sink/sink_fixture.h"

namespace postrider::sink {

inline constexpr const char* kDeliveryId = "0123456789abcdef0123456789abcdef";

/// A message with a provenance, as a transfer makes it.
inline std::shared_ptr<const mail::OutgoingMessage> fetched(
    std::string_view text, const std::string& delivery_id = kDeliveryId,
    std::optional<WallTime> received_at = std::nullopt) {
    mail::MessageBuilder builder({testing::TempDir()});
    EXPECT_TRUE(builder.append(text));
    return std::make_shared<const mail::OutgoingMessage>(
        std::move(builder.finish().value()), "X-Postrider-Id: " + delivery_id + "\r\n",
        std::vector<mail::Edit>(), mail::Provenance{"alice-isp", delivery_id, received_at});
}

inline mail::Envelope envelope_to(const std::vector<std::string>& recipients,
                                  const std::string& sender = "") {
    mail::Envelope envelope;
    if (!sender.empty()) {
        envelope.sender = address(sender);
    }
    for (const std::string& recipient : recipients) {
        envelope.recipients.push_back(address(recipient));
    }
    return envelope;
}

/// The names in a directory, sorted; none if there is no such directory.
inline std::vector<std::string> names_below(const std::string& directory) {
    std::vector<std::string> names;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
        names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace postrider::sink
