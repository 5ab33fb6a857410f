#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "postrider/mail/trace.h"
#include "postrider/store/maildir_held_store.h"

#include "support/memory_ledger.h"
#include "support/sim_loop.h"
#include "support/sim_worker.h"

namespace postrider::app::test_held {

/// Where messages are held as the daemon holds them, with their records in the ledger.
struct Place {
    test::SimLoop& loop;
    test::SimWorker& worker;
    test::MemoryLedger& ledger;
    const store::StateDir& state;
};

/// Puts a record of a message of this UID.
inline void put_record(const Place& place, const std::string& account, const std::string& uid,
                       const mail::Digest& sha256, store::Phase phase, bool held) {
    store::MessageRecord record;
    record.key.uid = uid;
    record.sha256 = sha256;
    record.phase = phase;
    record.held_copy = held;
    const auto write = place.ledger.write(account, {store::PutMessage{record}}, [](auto) {});
    place.loop.run_until_idle();
}

/// Holds a message of this subject, its UID, for these recipients; its id.
inline std::string hold(const Place& place, const std::string& account, const std::string& subject,
                        const std::vector<std::string>& recipients,
                        const std::string& destination = "local") {
    mail::MessageBuilder builder({place.state.spool_path()});
    EXPECT_TRUE(builder.append("Subject: " + subject + "\r\n\r\nbody\r\n"));
    mail::Message message = *builder.finish();
    const mail::Digest sha256 = message.facts().sha256;
    store::HeldMessage what;
    what.delivery_id = mail::delivery_id(place.ledger.installation_key(), account, subject, sha256);
    what.account = account;
    what.uid = subject;
    what.destination = destination;
    for (const std::string& recipient : recipients) {
        what.envelope.recipients.push_back(*mail::Address::parse(recipient));
    }
    what.held_at = place.loop.wall_now();
    what.reason = "550 no";
    mail::Trace trace;
    trace.delivery_id = what.delivery_id;
    const auto store = store::make_held_store(place.worker, place.state);
    bool is_held = false;
    const auto operation = (*store)->hold(
        what,
        std::make_shared<mail::OutgoingMessage>(std::move(message), mail::trace_header(trace),
                                                std::vector<mail::Edit>{}),
        [&](const Expected<void>& held) { is_held = held.has_value(); });
    EXPECT_TRUE(place.loop.run_until([&] { return is_held; }));
    put_record(place, account, subject, sha256, store::Phase::held, true);
    return what.delivery_id;
}

}  // namespace postrider::app::test_held
