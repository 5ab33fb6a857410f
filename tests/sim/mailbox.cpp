#include "sim/mailbox.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "postrider/base/text.h"

#include "sim/mail.h"
#include "support/fake_pop3_session.h"

namespace postrider::sim {

namespace {

using test::FakePop3;

std::uint64_t id_of_message(const FakePop3::Message& message) {
    return id_of(message.octets).value_or(0);
}

std::set<std::uint64_t> ids_of(const std::vector<FakePop3::Message>& messages) {
    std::set<std::uint64_t> ids;
    for (const FakePop3::Message& message : messages) {
        ids.insert(id_of_message(message));
    }
    return ids;
}

}  // namespace

/// One connection to the server.
class Mailbox::Conversation final : public Peer {
  public:
    Conversation(Mailbox& mailbox, Wire& wire)
        : mailbox_(mailbox), chaos_(mailbox.world_.chaos), wire_(wire), session_(mailbox.server_) {
        if (chaos_.strikes(Fault::pop3_hangs_up)) {
            hang_up();
        } else {
            wire_.send(session_.greet().bytes);
        }
    }
    Conversation(const Conversation&) = delete;
    Conversation& operator=(const Conversation&) = delete;
    ~Conversation() override { unlock(); }

    void on_octets(std::string_view octets) override {
        inbox_ += octets;
        while (!is_over_) {
            const std::size_t end = inbox_.find("\r\n");
            if (end == std::string::npos) {
                return;
            }
            const std::string line = inbox_.substr(0, end);
            inbox_.erase(0, end + 2);
            on_line(line);
        }
    }

  private:
    void on_line(const std::string& line) {
        mailbox_.world_.trace("{}: {}", mailbox_.name_, line);
        std::string_view rest = line;
        const std::string verb(next_word(rest));
        if ((verb == "QUIT" || verb == "RETR" || verb == "DELE") &&
            !std::exchange(was_seen_, true)) {
            mailbox_.world_.oracle.on_listing_seen(ids_of(session_.listed()));
        }
        if (verb == "QUIT") {
            quit();
        } else if (chaos_.strikes(Fault::pop3_hangs_up)) {
            hang_up();
        } else if (verb != "CAPA" && chaos_.strikes(Fault::pop3_refuses)) {
            wire_.send("-ERR [SYS/TEMP] not now\r\n");
        } else if (verb == "PASS") {
            log_in(line);
        } else {
            note(verb, rest);
            const test::FakeOutput output = session_.on_line(line, !inbox_.empty());
            wire_.send(output.bytes);
            if (output.is_end) {
                hang_up();
            }
        }
    }

    void hang_up() {
        mailbox_.world_.trace("{}: hangs up", mailbox_.name_);
        end();
    }

    void end() {
        is_over_ = true;
        wire_.close();
        unlock();
    }

    void unlock() {
        if (std::exchange(has_lock_, false)) {
            mailbox_.is_locked_ = false;
        }
    }

    void log_in(const std::string& line) {
        if ((mailbox_.locks_ && mailbox_.is_locked_) || chaos_.strikes(Fault::pop3_in_use)) {
            mailbox_.world_.trace("{}: in use", mailbox_.name_);
            wire_.send("-ERR [IN-USE] mailbox is locked by another session\r\n");
            return;
        }
        mailbox_.change_identities();
        const std::vector<FakePop3::Message> whole = mailbox_.server_.mailbox;
        mailbox_.shorten();
        const std::string answer = session_.on_line(line, false).bytes;
        mailbox_.server_.mailbox = whole;  // this session may see less, but nothing is gone
        if (answer.starts_with("+OK")) {
            mailbox_.tell_listed(session_.listed());
            mailbox_.is_locked_ = true;
            has_lock_ = true;
        }
        wire_.send(answer);
    }

    /// What a RETR or DELE is about.
    void note(std::string_view verb, std::string_view rest) {
        const auto number = parse_unsigned(next_word(rest));
        if (!number || *number < 1 || *number > session_.listed().size()) {
            return;
        }
        const std::uint64_t id = id_of_message(session_.listed()[*number - 1]);
        if (verb == "RETR") {
            mailbox_.fetched_.insert(id);
        } else if (verb == "DELE") {
            const bool is_leftover = mailbox_.server_.consumes && mailbox_.fetched_.contains(id) &&
                                     !session_.retrieved().contains(*number - 1);
            mailbox_.world_.oracle.on_dele(id, is_leftover);
        }
    }

    void quit() {
        Oracle& oracle = mailbox_.world_.oracle;
        FakePop3& server = mailbox_.server_;
        if (server.consumes) {
            for (const std::size_t index : session_.retrieved()) {
                oracle.on_consuming_quit(id_of_message(session_.listed()[index]));
            }
        }
        const std::vector<FakePop3::Message> before = server.mailbox;
        server.quit = FakePop3::Quit::deletes;
        if (chaos_.strikes(Fault::pop3_quit_fails)) {
            fail_quit();
        } else {
            wire_.send(session_.on_line("QUIT", false).bytes);
        }
        const std::set<std::uint64_t> after = ids_of(server.mailbox);
        for (const FakePop3::Message& message : before) {
            if (!after.contains(id_of_message(message))) {
                oracle.on_removed(id_of_message(message));
                mailbox_.last_removed_ = message;
            }
        }
        end();
    }

    /// It fails in one of the ways there are.
    void fail_quit() {
        FakePop3& server = mailbox_.server_;
        std::uint64_t way = chaos_.choose(Fault::pop3_quit_fails, 4);
        if (way == 1 && server.window != SIZE_MAX) {
            way = 0;  // it would show the same window for ever, and nobody could tell
        }
        mailbox_.world_.trace("{}: QUIT fails in way {}", mailbox_.name_, way);
        server.quit = way == 0   ? FakePop3::Quit::refuses
                      : way == 1 ? FakePop3::Quit::keeps
                      : way == 2 ? FakePop3::Quit::deletes_and_hangs_up
                                 : FakePop3::Quit::deletes;
        const std::vector<FakePop3::Message> whole = server.mailbox;
        const std::string answer = session_.on_line("QUIT", false).bytes;
        if (way == 3) {
            // Some of the deletions are undone.
            put_back(whole);
            wire_.send("-ERR some deleted messages not removed\r\n");
        } else {
            wire_.send(answer);
        }
        if (server.quit == FakePop3::Quit::keeps) {
            for (const std::size_t index : session_.deleted()) {
                mailbox_.world_.oracle.on_removal_claimed(id_of_message(session_.listed()[index]));
            }
        }
    }

    void put_back(const std::vector<FakePop3::Message>& whole) {
        FakePop3& server = mailbox_.server_;
        const std::set<std::uint64_t> left = ids_of(server.mailbox);
        std::vector<FakePop3::Message> now;
        for (const FakePop3::Message& message : whole) {
            if (left.contains(id_of_message(message)) ||
                chaos_.choose(Fault::pop3_quit_fails, 2) == 0) {
                now.push_back(message);
            }
        }
        server.mailbox = std::move(now);
    }

    Mailbox& mailbox_;
    Chaos& chaos_;
    Wire& wire_;
    FakePop3::Session session_;
    std::string inbox_;
    bool is_over_ = false;
    bool has_lock_ = false;
    bool was_seen_ = false;  ///< what follows a listing was asked
};

Mailbox::Mailbox(World world, std::size_t account, std::string name, std::uint64_t seed)
    : world_(world),
      account_(account),
      name_(std::move(name)),
      random_(scrambled({seed, 0xb0c5, account})),
      server_(world.loop) {
    switch (random_.below(4)) {
        case 0:
            kind_ = "keeps order, locks";
            locks_ = true;
            server_.capa.emplace_back("PIPELINING");
            break;
        case 1:
            kind_ = "consumes, windows";
            server_.consumes = true;
            server_.capa.emplace_back("EXPIRE 0");
            server_.capa.emplace_back("PIPELINING");
            server_.window = random_.coin() ? SIZE_MAX : random_.between(2, 8);
            break;
        case 2:
            kind_ = "renumbers";
            shuffles_ = true;
            break;
        default:
            kind_ = "has no CAPA";
            server_.has_capa = false;
            break;
    }
    take_manners();
}

/// What any kind of server may do besides.
void Mailbox::take_manners() {
    if (random_.one_in(8)) {
        kind_ += ", no UIDL";
        server_.has_uidl = false;
        std::erase(server_.capa, "UIDL");
    }
    if (random_.one_in(8)) {
        kind_ += ", LF";
        server_.line_end = "\n";
    }
    if (random_.one_in(16)) {
        kind_ += ", hangs up on pipelining";
        server_.drops_pipelining = true;
    }
    if (server_.has_capa && random_.one_in(12)) {
        kind_ += ", LOGIN-DELAY";
        server_.login_delay = std::chrono::seconds(300);
        server_.capa.emplace_back("LOGIN-DELAY 300");
    }
    if (server_.has_uidl && random_.one_in(4)) {
        kind_ += ", reuses UIDs";
        reuses_uids_ = true;
    }
}

void Mailbox::add(const SampleMail& mail) {
    const std::uint64_t id = world_.oracle.on_arrived(account_, mail);
    FakePop3::Message message{fmt::format("u{}-{}", uid_epoch_, id), mail.octets};
    if (const auto removed = std::exchange(last_removed_, std::nullopt);
        removed && reuses_uids_ && !holds(removed->uid)) {
        const std::uint64_t size = removed->listed_size.value_or(removed->octets.size());
        // Of the same size only if nothing speaks for the old one any more: how else would anybody
        // tell them apart?
        const bool is_same_size = world_.oracle.is_forgotten(id_of_message(*removed));
        if (is_same_size || size != message.octets.size()) {
            message.uid = removed->uid;
        }
        if (is_same_size) {
            message.listed_size = size;
        }
    }
    world_.trace("{}: message {} arrives as {}", name_, id, message.uid);
    server_.mailbox.push_back(std::move(message));
}

bool Mailbox::holds(const std::string& uid) const {
    return std::any_of(server_.mailbox.begin(), server_.mailbox.end(),
                       [&uid](const FakePop3::Message& message) { return message.uid == uid; });
}

std::unique_ptr<Peer> Mailbox::serve(Wire& wire) {
    return std::make_unique<Conversation>(*this, wire);
}

void Mailbox::change_identities() {
    auto& mailbox = server_.mailbox;
    if (shuffles_) {
        shuffle();
    }
    if (!mailbox.empty() && world_.chaos.strikes(Fault::pop3_new_uids)) {
        rename_all();
    }
    if (!mailbox.empty() && world_.chaos.strikes(Fault::pop3_sizes_move)) {
        world_.trace("{}: sizes move", name_);
        for (test::FakePop3::Message& message : mailbox) {
            const std::uint64_t size = message.octets.size() + 1 + random_.below(100);
            // Under another's UID it could be the size of that one: nobody could tell them apart.
            if (message.uid.ends_with(fmt::format("-{}", id_of_message(message)))) {
                message.listed_size = size;
            }
        }
    }
}

void Mailbox::shorten() {
    auto& mailbox = server_.mailbox;
    if (!mailbox.empty() && world_.chaos.strikes(Fault::pop3_lists_less)) {
        const std::uint64_t shown = world_.chaos.choose(Fault::pop3_lists_less, mailbox.size());
        world_.trace("{}: lists {} of {}", name_, shown, mailbox.size());
        mailbox.resize(world_.chaos.choose(Fault::pop3_lists_less, 2) == 0 ? 0 : shown);
    }
}

void Mailbox::rename_all() {
    ++uid_epoch_;
    world_.trace("{}: new UIDs", name_);
    for (test::FakePop3::Message& message : server_.mailbox) {
        message.uid = fmt::format("u{}-{}", uid_epoch_, id_of_message(message));
    }
}

void Mailbox::shuffle() {
    auto& mailbox = server_.mailbox;
    for (std::size_t i = mailbox.size(); i > 1; --i) {
        std::swap(mailbox[i - 1], mailbox[random_.below(i)]);
    }
}

void Mailbox::tell_listed(const std::vector<test::FakePop3::Message>& listed) {
    for (const test::FakePop3::Message& message : listed) {
        world_.oracle.on_listed(id_of_message(message), server_.has_uidl ? message.uid : "",
                                message.listed_size.value_or(message.octets.size()));
    }
    world_.oracle.on_listing(account_, ids_of(listed));
}

}  // namespace postrider::sim
