#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/chaos.h"
#include "sim/network.h"
#include "sim/oracle.h"
#include "sim/random.h"
#include "sim/trace.h"
#include "support/fake_pop3.h"

namespace postrider::sim {

/// A mailbox of one account on its POP3 server, with the manners of that server. What it does to
/// its messages, and what it is told to do, it tells the oracle.
class Mailbox {
  public:
    /// What a mailbox needs of the run.
    struct World {
        test::SimLoop& loop;
        Chaos& chaos;
        Trace& trace;
        Oracle& oracle;
    };

    /// The seed decides what kind of server it is.
    Mailbox(World world, std::size_t account, std::string name, std::uint64_t seed);

    void add(const SampleMail& mail);
    [[nodiscard]] std::unique_ptr<Peer> serve(Wire& wire);
    /// Does its server forget at QUIT what was retrieved?
    [[nodiscard]] bool consumes() const { return server_.consumes; }
    /// What it lists does not go away by itself, and hides what is behind it.
    [[nodiscard]] bool has_window() const { return server_.window != SIZE_MAX; }
    /// Without UIDs, mail cannot be kept there.
    [[nodiscard]] bool has_uids() const { return server_.has_uidl; }
    [[nodiscard]] const std::string& kind() const { return kind_; }

  private:
    class Conversation;

    void take_manners();
    [[nodiscard]] bool holds(const std::string& uid) const;

    // What the session that logs in now will see of it:
    void change_identities();
    void shorten();
    void tell_listed(const std::vector<test::FakePop3::Message>& listed);
    void rename_all();
    void shuffle();

    World world_;
    const std::size_t account_;
    const std::string name_;
    Random random_;
    std::string kind_;
    bool locks_ = false;     ///< one session at a time
    bool shuffles_ = false;  ///< other numbers in every session
    bool reuses_uids_ = false;
    bool is_locked_ = false;
    std::uint64_t uid_epoch_ = 0;
    std::set<std::uint64_t> fetched_;  ///< in this session or an earlier one
    std::optional<test::FakePop3::Message> last_removed_;
    test::FakePop3 server_;
};

}  // namespace postrider::sim
